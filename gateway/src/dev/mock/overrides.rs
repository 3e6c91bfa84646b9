//! Fixed values, from YAML: `Type.field: value`, or `Scalar: value`. A list stands for one of its
//! elements where a single value is wanted.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::MockError;

#[derive(Debug, Default)]
pub(super) struct Overrides {
    values: BTreeMap<String, Value>,
}

impl Overrides {
    pub(super) fn read(path: &Path) -> Result<Self, MockError> {
        let failed = |message: String| MockError::Overrides { path: path.to_owned(), message };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let values = serde_yaml_ng::from_str::<Option<BTreeMap<String, Value>>>(&text)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { values: values.unwrap_or_default() })
    }

    pub(super) fn field(&self, type_name: &str, field: &str) -> Option<&Value> {
        self.values.get(&format!("{type_name}.{field}"))
    }

    pub(super) fn scalar(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}
