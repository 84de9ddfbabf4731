//! Mixpanel's expressions, as far as its documentation gives them: `properties["x"]`, `string`, `number`, `defined`, `in`,
//! comparisons, `and`, `or`, `not` and parentheses. What it can't read it refuses.

use super::history::Happened;

/// Reads an expression from left to right.
struct Reading<'a> {
    rest: &'a str,
    one: &'a Happened,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    None,
    Text(String),
    Number(f64),
    Bool(bool),
}

/// Whether an event fits.
pub fn fits(expression: &str, one: &Happened) -> Result<bool, String> {
    let mut reading = Reading { rest: expression.trim(), one };
    let value = reading.or()?;
    if !reading.rest.trim().is_empty() {
        return Err(format!("unexpected `{}`", reading.rest));
    }
    match value {
        Value::Bool(fits) => Ok(fits),
        other => Err(format!("not a condition: {other:?}")),
    }
}

/// The text of `properties["x"]`, or of `string(...)` or `number(...)` around it.
pub fn value(expression: &str, one: &Happened) -> Result<Option<String>, String> {
    let mut reading = Reading { rest: expression.trim(), one };
    let value = reading.primary()?;
    if !reading.rest.is_empty() {
        return Err(format!("unexpected `{}`", reading.rest));
    }
    Ok(match value {
        Value::None => None,
        Value::Text(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
    })
}

impl Reading<'_> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("`{token}` is missing before `{}`", self.rest)) }
    }

    fn bool(value: &Value) -> Result<bool, String> {
        if let Value::Bool(yes) = value { Ok(*yes) } else { Err(format!("not a condition: {value:?}")) }
    }

    fn or(&mut self) -> Result<Value, String> {
        let mut left = self.and()?;
        while self.take("or ") {
            let right = self.and()?;
            left = Value::Bool(Self::bool(&left)? | Self::bool(&right)?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Value, String> {
        let mut left = self.not()?;
        while self.take("and ") {
            let right = self.not()?;
            left = Value::Bool(Self::bool(&left)? & Self::bool(&right)?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Value, String> {
        if self.take("not ") {
            let inner = self.not()?;
            return Ok(Value::Bool(!Self::bool(&inner)?));
        }
        let left = self.primary()?;
        for sign in ["==", "!=", "<=", ">=", "<", ">", "in "] {
            if self.take(sign) {
                let right = self.primary()?;
                let order = match (&left, &right) {
                    (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
                    (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
                    _ => None,
                };
                return Ok(Value::Bool(match (sign, order) {
                    ("==", _) => left == right,
                    ("!=", _) => left != right,
                    ("in ", _) => matches!((&left, &right), (Value::Text(part), Value::Text(whole)) if whole.contains(part.as_str())),
                    (_, None) => false,
                    ("<", Some(order)) => order.is_lt(),
                    ("<=", Some(order)) => order.is_le(),
                    (">", Some(order)) => order.is_gt(),
                    (_, Some(order)) => order.is_ge(),
                }));
            }
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Value, String> {
        if self.take("properties[") {
            let Value::Text(name) = self.text()? else { return Err("a property's name is a text".into()) };
            self.need("]")?;
            return Ok(self.one.property(&name).map_or(Value::None, |text| Value::Text(text.to_owned())));
        }
        for word in ["string(", "number(", "defined(", "("] {
            if self.take(word) {
                let inner = if word == "(" { self.or()? } else { self.primary()? };
                self.need(")")?;
                return Ok(match (word, inner) {
                    ("defined(", inner) => Value::Bool(inner != Value::None),
                    ("number(", Value::Text(text)) => text.parse().map_or(Value::None, Value::Number),
                    (_, inner) => inner,
                });
            }
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('"') {
            return self.text();
        }
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.parse().map(Value::Number).map_err(|_| format!("unexpected `{number}{rest}`"))
    }

    /// A text in quotes, as JSON writes it.
    fn text(&mut self) -> Result<Value, String> {
        let mut read = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let text = read.next().and_then(Result::ok).ok_or("a text is wanted")?;
        self.rest = &self.rest[read.byte_offset()..];
        Ok(Value::Text(text))
    }
}
