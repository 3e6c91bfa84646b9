//! Statements as text with `?` for every value, on either engine.

use sea_orm::{DbBackend, Statement, Value};

/// A statement under construction. No text ever holds a literal `?` or a value of a caller.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Appends text without values.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// The value of the next `?`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends `(?, ?, …)` with these values.
    pub(crate) fn list<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        self.separated("(", ", ", ")", "?", values)
    }

    /// Appends `VALUES (?), (?), …` with these values.
    pub(crate) fn rows<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        self.separated("VALUES ", ", ", "", "(?)", values)
    }

    fn separated<V: Into<Value>>(
        mut self,
        open: &str,
        between: &str,
        close: &str,
        each: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.text.push_str(open);
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(between);
            }
            self.text.push_str(each);
            self.values.push(value.into());
        }
        self.text.push_str(close);
        self
    }

    /// The statement in the engine's spelling of placeholders.
    pub(crate) fn on(self, backend: DbBackend) -> Statement {
        if backend != DbBackend::Postgres {
            return Statement::from_sql_and_values(backend, self.text, self.values);
        }
        let mut numbered = String::with_capacity(self.text.len() + self.values.len() * 2);
        for (at, part) in self.text.split('?').enumerate() {
            if at > 0 {
                numbered.push('$');
                numbered.push_str(&at.to_string());
            }
            numbered.push_str(part);
        }
        Statement::from_sql_and_values(backend, numbered, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_for_postgresql_only() {
        let sql = || Sql::new("a = ? AND b IN ").bind(1).list([2, 3]).text(" AND c = ?").bind(4);
        assert_eq!(sql().on(DbBackend::Sqlite).sql, "a = ? AND b IN (?, ?) AND c = ?");
        assert_eq!(sql().on(DbBackend::Postgres).sql, "a = $1 AND b IN ($2, $3) AND c = $4");
    }
}
