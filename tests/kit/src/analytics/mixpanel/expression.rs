//! Mixpanel's expressions, as far as its documentation gives them: `properties["x"]`, `string`, `number`, `defined`, `in`,
//! comparisons, `and`, `or`, `not` and parentheses. What it can't read it refuses.

/// What `properties["x"]` and `user["x"]` are: the first word, and the name.
pub(super) type Look<'a> = &'a dyn Fn(&str, &str) -> Option<serde_json::Value>;

/// Reads an expression from left to right.
struct Reading<'a> {
    rest: &'a str,
    look: Look<'a>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    None,
    Text(String),
    Number(f64),
    Bool(bool),
}

/// Whether an event fits.
pub(super) fn fits(expression: &str, look: Look<'_>) -> Result<bool, String> {
    let mut reading = Reading { rest: expression.trim(), look };
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
pub(super) fn value(expression: &str, look: Look<'_>) -> Result<Option<String>, String> {
    let mut reading = Reading { rest: expression.trim(), look };
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
        for scope in ["properties", "user"] {
            if self.take(&format!("{scope}[")) {
                let Value::Text(name) = self.text()? else { return Err("a property's name is a text".into()) };
                self.need("]")?;
                return Ok(match (self.look)(scope, &name) {
                    Some(serde_json::Value::String(text)) => Value::Text(text),
                    Some(serde_json::Value::Number(number)) => number.as_f64().map_or(Value::None, Value::Number),
                    Some(serde_json::Value::Bool(yes)) => Value::Bool(yes),
                    _ => Value::None,
                });
            }
        }
        for word in ["string(", "number(", "defined(", "("] {
            if self.take(word) {
                let inner = if word == "(" { self.or()? } else { self.primary()? };
                self.need(")")?;
                return Ok(match (word, inner) {
                    ("defined(", inner) => Value::Bool(inner != Value::None),
                    ("number(", Value::Text(text)) => text.parse().map_or(Value::None, Value::Number),
                    ("string(", Value::Number(number)) => Value::Text(number.to_string()),
                    ("string(", Value::Bool(yes)) => Value::Text(yes.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_are_read_as_documented() {
        let look = |scope: &str, name: &str| match (scope, name) {
            ("properties", "plan") => Some(json!("pro")),
            ("properties", "price") => Some(json!(12.5)),
            ("user", "paying") => Some(json!(true)),
            _ => None,
        };
        for (text, fits_it) in [
            (r#"properties["plan"] == "pro""#, true),
            (r#"not properties["plan"] == "pro""#, false),
            (r#"properties["plan"] == "free" or properties["price"] > 12"#, true),
            (r#"properties["plan"] == "pro" and (number(properties["price"]) < 10)"#, false),
            (r#""r" in string(properties["plan"])"#, true),
            (r#"defined(properties["plan"]) and not defined(properties["none"])"#, true),
            (r#"user["paying"]"#, true),
            (r#"string(properties["price"]) == "12.5""#, true),
        ] {
            assert_eq!(fits(text, &look), Ok(fits_it), "{text}");
        }
        for wrong in ["", "properties[plan] == 1", r#"properties["plan"]"#, r#"properties["plan"] = "pro""#, r#"event == "x""#] {
            assert!(fits(wrong, &look).is_err(), "{wrong}");
        }
        assert_eq!(value(r#"properties["price"]"#, &look), Ok(Some("12.5".to_owned())));
    }
}
