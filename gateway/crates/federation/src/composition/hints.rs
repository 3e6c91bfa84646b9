//! The severity of every hint.

use crate::diagnostic::{Diagnostic, Severity};

fn severity(code: &str) -> Severity {
    match code {
        "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD"
        | "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD"
        | "INCONSISTENT_UNION_MEMBER"
        | "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM"
        | "UNUSED_ENUM_TYPE" => Severity::Debug,
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE"
        | "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE"
        | "INCONSISTENT_ENTITY"
        | "OVERRIDDEN_FIELD_CAN_BE_REMOVED"
        | "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED"
        | "OVERRIDE_MIGRATION_IN_PROGRESS"
        | "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"
        | "DIRECTIVE_COMPOSITION_INFO"
        | "IMPLICITLY_UPGRADED_FEDERATION_VERSION"
        | "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS" => Severity::Info,
        _ => Severity::Warning,
    }
}

pub(crate) fn hint(code: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(severity(code), code, message)
}
