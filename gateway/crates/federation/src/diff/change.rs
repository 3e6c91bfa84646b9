//! A change as data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    #[serde(rename = "type")]
    pub change_type: ChangeType,
    pub criticality: Criticality,
    /// `Type.field.argument`, `@directive.argument`; none for root types.
    pub path: Option<String>,
    pub message: String,
    /// What the path does not name: the member, the interface, the location, the argument.
    #[serde(skip)]
    pub subject: Option<String>,
    /// Part of something that was added as a whole, e.g. a field of a new type.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
}

/// Whether clients written against the old schema keep working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Criticality {
    NonBreaking,
    /// Valid operations stay valid, but may meet what their authors did not expect.
    Dangerous,
    /// Some operation that was valid is not any more, or gets what its types do not allow.
    Breaking,
}

impl fmt::Display for Criticality {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NonBreaking => "NON_BREAKING",
            Self::Dangerous => "DANGEROUS",
            Self::Breaking => "BREAKING",
        })
    }
}

/// The variants and the names under which they are printed.
macro_rules! change_types {
    ($($variant:ident = $name:literal,)*) => {
        /// What kind of change it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ChangeType {
            $(#[serde(rename = $name)] $variant,)*
        }

        impl ChangeType {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|change_type| change_type.as_str() == name)
            }

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

change_types! {
    TypeRemoved = "TYPE_REMOVED",
    TypeAdded = "TYPE_ADDED",
    TypeKindChanged = "TYPE_KIND_CHANGED",
    TypeDescriptionAdded = "TYPE_DESCRIPTION_ADDED",
    TypeDescriptionChanged = "TYPE_DESCRIPTION_CHANGED",
    TypeDescriptionRemoved = "TYPE_DESCRIPTION_REMOVED",
    FieldRemoved = "FIELD_REMOVED",
    FieldAdded = "FIELD_ADDED",
    FieldTypeChanged = "FIELD_TYPE_CHANGED",
    FieldDescriptionAdded = "FIELD_DESCRIPTION_ADDED",
    FieldDescriptionChanged = "FIELD_DESCRIPTION_CHANGED",
    FieldDescriptionRemoved = "FIELD_DESCRIPTION_REMOVED",
    FieldDeprecationAdded = "FIELD_DEPRECATION_ADDED",
    FieldDeprecationRemoved = "FIELD_DEPRECATION_REMOVED",
    FieldDeprecationReasonAdded = "FIELD_DEPRECATION_REASON_ADDED",
    FieldDeprecationReasonChanged = "FIELD_DEPRECATION_REASON_CHANGED",
    FieldDeprecationReasonRemoved = "FIELD_DEPRECATION_REASON_REMOVED",
    FieldArgumentAdded = "FIELD_ARGUMENT_ADDED",
    FieldArgumentRemoved = "FIELD_ARGUMENT_REMOVED",
    FieldArgumentTypeChanged = "FIELD_ARGUMENT_TYPE_CHANGED",
    FieldArgumentDefaultChanged = "FIELD_ARGUMENT_DEFAULT_CHANGED",
    FieldArgumentDescriptionChanged = "FIELD_ARGUMENT_DESCRIPTION_CHANGED",
    InputFieldAdded = "INPUT_FIELD_ADDED",
    InputFieldRemoved = "INPUT_FIELD_REMOVED",
    InputFieldTypeChanged = "INPUT_FIELD_TYPE_CHANGED",
    InputFieldDefaultValueChanged = "INPUT_FIELD_DEFAULT_VALUE_CHANGED",
    InputFieldDescriptionAdded = "INPUT_FIELD_DESCRIPTION_ADDED",
    InputFieldDescriptionChanged = "INPUT_FIELD_DESCRIPTION_CHANGED",
    InputFieldDescriptionRemoved = "INPUT_FIELD_DESCRIPTION_REMOVED",
    EnumValueAdded = "ENUM_VALUE_ADDED",
    EnumValueRemoved = "ENUM_VALUE_REMOVED",
    EnumValueDescriptionChanged = "ENUM_VALUE_DESCRIPTION_CHANGED",
    EnumValueDeprecationReasonAdded = "ENUM_VALUE_DEPRECATION_REASON_ADDED",
    EnumValueDeprecationReasonChanged = "ENUM_VALUE_DEPRECATION_REASON_CHANGED",
    EnumValueDeprecationReasonRemoved = "ENUM_VALUE_DEPRECATION_REASON_REMOVED",
    UnionMemberAdded = "UNION_MEMBER_ADDED",
    UnionMemberRemoved = "UNION_MEMBER_REMOVED",
    ObjectTypeInterfaceAdded = "OBJECT_TYPE_INTERFACE_ADDED",
    ObjectTypeInterfaceRemoved = "OBJECT_TYPE_INTERFACE_REMOVED",
    SchemaQueryTypeChanged = "SCHEMA_QUERY_TYPE_CHANGED",
    SchemaMutationTypeChanged = "SCHEMA_MUTATION_TYPE_CHANGED",
    SchemaSubscriptionTypeChanged = "SCHEMA_SUBSCRIPTION_TYPE_CHANGED",
    DirectiveAdded = "DIRECTIVE_ADDED",
    DirectiveRemoved = "DIRECTIVE_REMOVED",
    DirectiveDescriptionChanged = "DIRECTIVE_DESCRIPTION_CHANGED",
    DirectiveLocationAdded = "DIRECTIVE_LOCATION_ADDED",
    DirectiveLocationRemoved = "DIRECTIVE_LOCATION_REMOVED",
    DirectiveRepeatableAdded = "DIRECTIVE_REPEATABLE_ADDED",
    DirectiveRepeatableRemoved = "DIRECTIVE_REPEATABLE_REMOVED",
    DirectiveArgumentAdded = "DIRECTIVE_ARGUMENT_ADDED",
    DirectiveArgumentRemoved = "DIRECTIVE_ARGUMENT_REMOVED",
    DirectiveArgumentTypeChanged = "DIRECTIVE_ARGUMENT_TYPE_CHANGED",
    DirectiveArgumentDefaultValueChanged = "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED",
    DirectiveArgumentDescriptionChanged = "DIRECTIVE_ARGUMENT_DESCRIPTION_CHANGED",
    DirectiveUsageUnionMemberAdded = "DIRECTIVE_USAGE_UNION_MEMBER_ADDED",
    DirectiveUsageUnionMemberRemoved = "DIRECTIVE_USAGE_UNION_MEMBER_REMOVED",
    DirectiveUsageEnumAdded = "DIRECTIVE_USAGE_ENUM_ADDED",
    DirectiveUsageEnumRemoved = "DIRECTIVE_USAGE_ENUM_REMOVED",
    DirectiveUsageEnumValueAdded = "DIRECTIVE_USAGE_ENUM_VALUE_ADDED",
    DirectiveUsageEnumValueRemoved = "DIRECTIVE_USAGE_ENUM_VALUE_REMOVED",
    DirectiveUsageInputObjectAdded = "DIRECTIVE_USAGE_INPUT_OBJECT_ADDED",
    DirectiveUsageInputObjectRemoved = "DIRECTIVE_USAGE_INPUT_OBJECT_REMOVED",
    DirectiveUsageScalarAdded = "DIRECTIVE_USAGE_SCALAR_ADDED",
    DirectiveUsageScalarRemoved = "DIRECTIVE_USAGE_SCALAR_REMOVED",
    DirectiveUsageObjectAdded = "DIRECTIVE_USAGE_OBJECT_ADDED",
    DirectiveUsageObjectRemoved = "DIRECTIVE_USAGE_OBJECT_REMOVED",
    DirectiveUsageInterfaceAdded = "DIRECTIVE_USAGE_INTERFACE_ADDED",
    DirectiveUsageInterfaceRemoved = "DIRECTIVE_USAGE_INTERFACE_REMOVED",
    DirectiveUsageArgumentDefinitionAdded = "DIRECTIVE_USAGE_ARGUMENT_DEFINITION_ADDED",
    DirectiveUsageArgumentDefinitionRemoved = "DIRECTIVE_USAGE_ARGUMENT_DEFINITION_REMOVED",
    DirectiveUsageSchemaAdded = "DIRECTIVE_USAGE_SCHEMA_ADDED",
    DirectiveUsageSchemaRemoved = "DIRECTIVE_USAGE_SCHEMA_REMOVED",
    DirectiveUsageFieldDefinitionAdded = "DIRECTIVE_USAGE_FIELD_DEFINITION_ADDED",
    DirectiveUsageFieldDefinitionRemoved = "DIRECTIVE_USAGE_FIELD_DEFINITION_REMOVED",
    DirectiveUsageInputFieldDefinitionAdded = "DIRECTIVE_USAGE_INPUT_FIELD_DEFINITION_ADDED",
    DirectiveUsageInputFieldDefinitionRemoved = "DIRECTIVE_USAGE_INPUT_FIELD_DEFINITION_REMOVED",
    DirectiveUsageArgumentAdded = "DIRECTIVE_USAGE_ARGUMENT_ADDED",
    DirectiveUsageArgumentRemoved = "DIRECTIVE_USAGE_ARGUMENT_REMOVED",
}

impl fmt::Display for ChangeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { change_type, criticality, path, message, subject: _, implied: _ } = self;
        write!(formatter, "{criticality} {change_type}")?;
        if let Some(path) = path {
            write!(formatter, " {path}")?;
        }
        write!(formatter, ": {message}")
    }
}
