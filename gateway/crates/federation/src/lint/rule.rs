//! The rules by name.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($variant:ident = $name:literal, $recommended:literal, $what:literal;)*) => {
        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $(#[doc = $what] #[serde(rename = $name)] $variant,)*
        }

        impl Rule {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What holds where the rule is kept.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $what,)*
                }
            }

            /// On unless switched off.
            pub fn is_recommended(self) -> bool {
                match self {
                    $(Self::$variant => $recommended,)*
                }
            }
        }
    };
}

impl Rule {
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.as_str() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

rules! {
    FieldNamesShouldBeCamelCase = "FIELD_NAMES_SHOULD_BE_CAMEL_CASE", true, "names of fields and input fields are `camelCase`";
    InputArgumentNamesShouldBeCamelCase = "INPUT_ARGUMENT_NAMES_SHOULD_BE_CAMEL_CASE", true, "names of arguments are camelCase";
    TypeNamesShouldBePascalCase = "TYPE_NAMES_SHOULD_BE_PASCAL_CASE", true, "names of types are `PascalCase`";
    EnumValuesShouldBeScreamingSnakeCase = "ENUM_VALUES_SHOULD_BE_SCREAMING_SNAKE_CASE", true, "enum values are `SCREAMING_SNAKE_CASE`";
    DirectiveNamesShouldBeCamelCase = "DIRECTIVE_NAMES_SHOULD_BE_CAMEL_CASE", true, "names of directives are camelCase";
    TypePrefix = "TYPE_PREFIX", true, "no type is named `Type…`";
    TypeSuffix = "TYPE_SUFFIX", true, "no type is named `…Type`";
    ObjectPrefix = "OBJECT_PREFIX", true, "no object type is named `Object…`";
    ObjectSuffix = "OBJECT_SUFFIX", true, "no object type is named `…Object`";
    InterfacePrefix = "INTERFACE_PREFIX", true, "no interface is named `Interface…`";
    InterfaceSuffix = "INTERFACE_SUFFIX", true, "no interface is named `…Interface`";
    EnumPrefix = "ENUM_PREFIX", true, "no enum is named `Enum…`";
    EnumSuffix = "ENUM_SUFFIX", true, "no enum is named `…Enum`";
    InputPrefix = "INPUT_PREFIX", true, "no input object is named `Input…`";
    InputTypeSuffix = "INPUT_TYPE_SUFFIX", false, "input objects are named `…Input`";
    InputName = "INPUT_NAME", false, "a mutation takes one argument `input` of type `<Mutation>Input`";
    RestyFieldNames = "RESTY_FIELD_NAMES", true, "root fields do not begin with a verb of HTTP or with the name of their root";
    EnumUsedAsInputWithoutSuffix = "ENUM_USED_AS_INPUT_WITHOUT_SUFFIX", false, "enums that are only sent are named `…Input`";
    EnumUsedAsOutputDespiteSuffix = "ENUM_USED_AS_OUTPUT_DESPITE_SUFFIX", false, "enums that are returned are not named `…Input`";
    NoTypenamePrefix = "NO_TYPENAME_PREFIX", true, "fields do not repeat the name of their type";
    UniqueEnumValueNames = "UNIQUE_ENUM_VALUE_NAMES", true, "enum values differ in more than case";
    AllTypesRequireDescription = "ALL_TYPES_REQUIRE_DESCRIPTION", true, "types have a description";
    AllElementsRequireDescription = "ALL_ELEMENTS_REQUIRE_DESCRIPTION", false, "everything has a description";
    NoHashtagDescription = "NO_HASHTAG_DESCRIPTION", true, "comments above definitions are descriptions";
    DescriptionStyle = "DESCRIPTION_STYLE", false, "descriptions are block strings";
    DeprecatedDirectiveMissingReason = "DEPRECATED_DIRECTIVE_MISSING_REASON", true, "deprecations say why";
    RequireDeprecationDate = "REQUIRE_DEPRECATION_DATE", false, "deprecations say until when";
    ContactDirectiveMissing = "CONTACT_DIRECTIVE_MISSING", false, "subgraphs say whom to ask";
    TagDirectiveUsesUnknownName = "TAG_DIRECTIVE_USES_UNKNOWN_NAME", true, "tags are among those that are known";
    QueryDocumentDeclaration = "QUERY_DOCUMENT_DECLARATION", true, "schema documents hold no operations";
    DefinedTypesAreUnused = "DEFINED_TYPES_ARE_UNUSED", true, "every type is used";
    OrderFields = "ORDER_FIELDS", false, "fields are in alphabetical order";
    OrderEnumValues = "ORDER_ENUM_VALUES", false, "enum values are in alphabetical order";
    OrderDefinitions = "ORDER_DEFINITIONS", false, "definitions are in alphabetical order";
    NoScalarResultTypeOnMutation = "NO_SCALAR_RESULT_TYPE_ON_MUTATION", false, "mutations return objects";
    RequireFieldOfTypeQueryInMutationResult = "REQUIRE_FIELD_OF_TYPE_QUERY_IN_MUTATION_RESULT", false, "results of mutations lead back to the query type";
    RequireNullableResultInRoot = "REQUIRE_NULLABLE_RESULT_IN_ROOT", false, "root fields are nullable, so that one failure does not void the whole answer";
    RequireNullableFieldsWithOneof = "REQUIRE_NULLABLE_FIELDS_WITH_ONEOF", true, "fields of a @oneOf input are nullable without default";
    StrictIdInTypes = "STRICT_ID_IN_TYPES", false, "objects have one `id: ID!`";
    RelayArguments = "RELAY_ARGUMENTS", false, "connections take first and after, or last and before";
    RelayConnectionTypes = "RELAY_CONNECTION_TYPES", true, "connections have edges and pageInfo";
    RelayEdgeTypes = "RELAY_EDGE_TYPES", true, "edges have node and cursor";
    RelayPageInfo = "RELAY_PAGE_INFO", true, "`PageInfo` has its four fields";
    SharedTypeWithoutKey = "SHARED_TYPE_WITHOUT_KEY", true, "objects with an id that several subgraphs define are entities";
    KeyFieldNullable = "KEY_FIELD_NULLABLE", true, "fields of a @key are not nullable";
    UnusedExternal = "UNUSED_EXTERNAL", true, "@external fields are used by @key, @requires or @provides";
    UnboundedList = "UNBOUNDED_LIST", false, "lists of objects can be limited";
    NPlusOneShape = "N_PLUS_ONE_SHAPE", false, "elements of lists do not ask for lists of their own with arguments";
}
