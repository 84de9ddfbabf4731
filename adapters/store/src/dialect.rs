//! One statement in the words of either database. Where the two differ, a statement says so in place: `/*pg ...*/` is read by
//! PostgreSQL only, `/*lite ...*/` by SQLite only, and `EACH($1)` makes rows (with a column `value`) of a JSON list. It parses no SQL.

/// Puts a statement into the words of one of the two databases.
pub(crate) fn translate(sql: &str, postgres: bool) -> String {
    let mut out = String::with_capacity(sql.len() + 32);
    let mut rest = sql;
    while let Some(at) = rest.find("/*") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find("*/").unwrap_or(from.len());
        let (inner, after) = (from.get(2..end).unwrap_or_default(), from.get(end + 2..).unwrap_or_default());
        let own = if postgres { inner.strip_prefix("pg ") } else { inner.strip_prefix("lite ") };
        out.push_str(own.unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    while let Some(at) = out.find("EACH(") {
        let end = out[at..].find(')').map_or(out.len(), |end| at + end);
        let parameter = out.get(at + 5..end).unwrap_or_default().to_owned();
        let rows = if postgres {
            format!("json_array_elements(CAST({parameter} AS json)) AS j(value)")
        } else {
            format!("jsonb_each({parameter}) AS j")
        };
        out.replace_range(at..(end + 1).min(out.len()), &rows);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_speaks_two_dialects() {
        let sql = "SELECT /*lite max*//*pg greatest*/(a, 1) FROM EACH($1) WHERE b = $2 /*pg FOR UPDATE*/";
        assert_eq!(translate(sql, false), "SELECT max(a, 1) FROM jsonb_each($1) AS j WHERE b = $2 ");
        assert_eq!(
            translate(sql, true),
            "SELECT greatest(a, 1) FROM json_array_elements(CAST($1 AS json)) AS j(value) WHERE b = $2 FOR UPDATE"
        );
    }
}
