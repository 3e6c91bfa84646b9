//! Every error code that composition may give, with what it means.
//!
//! The names are those that users of federation know from other tools. Each has a case under
//! `tests/composition`, which a test makes sure of.

/// One code and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    pub name: &'static str,
    /// Completes "this means that ...".
    pub meaning: &'static str,
}

const fn code(name: &'static str, meaning: &'static str) -> ErrorCode {
    ErrorCode { name, meaning }
}

/// All codes of errors, families together.
pub const ERROR_CODES: &[ErrorCode] = &[
    code("INVALID_GRAPHQL", "the SDL breaks GraphQL's own rules"),
    code("INVALID_SUBGRAPH_NAME", "a subgraph's name is reserved, empty or used twice"),
    code("NO_QUERIES", "no subgraph has a query field"),
    code("ROOT_QUERY_USED", "a type is named `Query` though another one is the query root"),
    code(
        "ROOT_MUTATION_USED",
        "a type is named `Mutation` though another one is the mutation root",
    ),
    code(
        "ROOT_SUBSCRIPTION_USED",
        "a type is named `Subscription` though another one is the subscription root",
    ),
    code(
        "UNKNOWN_FEDERATION_LINK_VERSION",
        "a `@link` names a version of federation that is not known",
    ),
    code("UNKNOWN_LINK_VERSION", "a `@link` names a version of the link spec that is not known"),
    code("UNSUPPORTED_FEATURE", "a subgraph uses a feature that composition does not handle"),
    code("UNSUPPORTED_LINKED_FEATURE", "a supergraph depends on a spec that is not known here"),
    code("INVALID_LINK_DIRECTIVE_USAGE", "a `@link` is malformed or clashes with another one"),
    code("INVALID_LINK_IDENTIFIER", "the URL of a `@link` is not that of a spec"),
    code("LINK_IMPORT_NAME_MISMATCH", "subgraphs import one directive under different names"),
    code(
        "DIRECTIVE_DEFINITION_INVALID",
        "the definition of a spec's directive differs from the spec",
    ),
    code("TYPE_DEFINITION_INVALID", "the definition of a spec's type differs from the spec"),
    code("DIRECTIVE_COMPOSITION_ERROR", "a `@composeDirective` cannot be followed"),
    code("KEY_FIELDS_HAS_ARGS", "a `@key` selects a field that takes arguments"),
    code("KEY_FIELDS_SELECT_INVALID_TYPE", "a `@key` selects a field of interface or union type"),
    code("KEY_INVALID_FIELDS", "the field set of a `@key` cannot be made"),
    code("KEY_INVALID_FIELDS_TYPE", "the field set of a `@key` is no string"),
    code("KEY_DIRECTIVE_IN_FIELDS_ARG", "the field set of a `@key` applies a directive"),
    code("KEY_UNSUPPORTED_ON_INTERFACE", "a `@key` is on an interface before federation 2.3"),
    code("PROVIDES_FIELDS_HAS_ARGS", "a `@provides` selects a field that takes arguments"),
    code("PROVIDES_FIELDS_MISSING_EXTERNAL", "a `@provides` selects a field that is not external"),
    code("PROVIDES_INVALID_FIELDS", "the field set of a `@provides` cannot be made"),
    code("PROVIDES_INVALID_FIELDS_TYPE", "the field set of a `@provides` is no string"),
    code("PROVIDES_DIRECTIVE_IN_FIELDS_ARG", "the field set of a `@provides` applies a directive"),
    code("PROVIDES_UNSUPPORTED_ON_INTERFACE", "a `@provides` is on a field of an interface"),
    code("PROVIDES_ON_NON_OBJECT_FIELD", "a `@provides` is on a field whose type has no fields"),
    code("REQUIRES_FIELDS_MISSING_EXTERNAL", "a `@requires` selects a field that is not external"),
    code("REQUIRES_INVALID_FIELDS", "the field set of a `@requires` cannot be made"),
    code("REQUIRES_INVALID_FIELDS_TYPE", "the field set of a `@requires` is no string"),
    code("REQUIRES_DIRECTIVE_IN_FIELDS_ARG", "the field set of a `@requires` applies a directive"),
    code("REQUIRES_UNSUPPORTED_ON_INTERFACE", "a `@requires` is on a field of an interface"),
    code("EXTERNAL_UNUSED", "nothing refers to an external field"),
    code("EXTERNAL_ON_INTERFACE", "a field of an interface is external"),
    code(
        "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
        "an external field bears a directive that needs it resolved",
    ),
    code(
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
        "a federation 1 type has external fields only, and nothing refers to them",
    ),
    code("EXTERNAL_MISSING_ON_BASE", "a field is external wherever it appears"),
    code("EXTERNAL_TYPE_MISMATCH", "an external field has another type than the field itself"),
    code("EXTERNAL_ARGUMENT_MISSING", "an external field lacks an argument of the field itself"),
    code(
        "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
        "an external field's argument has another type than the field's itself",
    ),
    code(
        "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH",
        "an external field's argument has another default than the field's itself",
    ),
    code(
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
        "an external field bears a directive that is merged",
    ),
    code("TYPE_KIND_MISMATCH", "one name is different kinds of type"),
    code("EXTENSION_WITH_NO_BASE", "a type is only ever extended"),
    code("FIELD_TYPE_MISMATCH", "the types of a field are incompatible"),
    code("FIELD_ARGUMENT_TYPE_MISMATCH", "the types of an argument are incompatible"),
    code("FIELD_ARGUMENT_DEFAULT_MISMATCH", "an argument has different defaults"),
    code("INPUT_FIELD_DEFAULT_MISMATCH", "an input field has different defaults"),
    code(
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        "a required argument is not known everywhere",
    ),
    code(
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
        "a required input field is not known everywhere",
    ),
    code("EMPTY_MERGED_INPUT_TYPE", "the definitions of an input object have no common field"),
    code("EMPTY_MERGED_ENUM_TYPE", "the definitions of an input enum have no common value"),
    code("ENUM_VALUE_MISMATCH", "the definitions of an enum that goes in and out differ"),
    code(
        "INVALID_FIELD_SHARING",
        "several subgraphs resolve a field that is not shareable in all of them",
    ),
    code("INVALID_SHAREABLE_USAGE", "`@shareable` stands where it means nothing"),
    code("INTERFACE_FIELD_NO_IMPLEM", "a merged type lacks a field of its interface"),
    code("INTERFACE_KEY_NOT_ON_IMPLEMENTATION", "an implementation lacks a key of its interface"),
    code(
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        "a subgraph with an interface's key does not know all implementations",
    ),
    code("INTERFACE_OBJECT_USAGE_ERROR", "an `@interfaceObject` cannot stand for its interface"),
    code(
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
        "a shared field has no object type that is possible everywhere",
    ),
    code("SATISFIABILITY_ERROR", "some query cannot be answered"),
    code(
        "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
        "there are too many ways through the subgraphs to check them all",
    ),
    code("OVERRIDE_FROM_SELF_ERROR", "a field overrides itself"),
    code("OVERRIDE_SOURCE_HAS_OVERRIDE", "an overridden field overrides another one"),
    code(
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        "a field cannot be overridden for what its directives say",
    ),
    code("OVERRIDE_ON_INTERFACE", "a field of an interface is overridden"),
    code("OVERRIDE_LABEL_INVALID", "the label of an override is malformed"),
    code("REFERENCED_INACCESSIBLE", "something visible has an inaccessible type"),
    code("ONLY_INACCESSIBLE_CHILDREN", "a visible type has nothing visible in it"),
    code("QUERY_ROOT_TYPE_INACCESSIBLE", "the query root is inaccessible"),
    code("REQUIRED_INACCESSIBLE", "something inaccessible is required"),
    code(
        "IMPLEMENTED_BY_INACCESSIBLE",
        "a visible field of an interface is inaccessible where it is implemented",
    ),
    code("DEFAULT_VALUE_USES_INACCESSIBLE", "a visible default uses something inaccessible"),
    code("DISALLOWED_INACCESSIBLE", "an argument of a composed directive is inaccessible"),
    code("CONTEXT_NAME_INVALID", "the name of a context is not alphanumeric"),
    code("CONTEXT_NOT_SET", "an argument cannot come from the context that it names"),
    code("NO_CONTEXT_IN_SELECTION", "a `@fromContext` names no context"),
    code("CONTEXT_INVALID_SELECTION", "the selection of a `@fromContext` cannot be made"),
    code("CONTEXT_NO_RESOLVABLE_KEY", "a type with contextual arguments has no resolvable key"),
    code(
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
        "a contextual argument is required of clients elsewhere",
    ),
    code("AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE", "access is restricted on an interface"),
    code(
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        "a field needs data with stricter access than its own",
    ),
    code("COST_APPLIED_TO_INTERFACE_FIELD", "a field of an interface has a cost"),
    code("LIST_SIZE_APPLIED_TO_NON_LIST", "a size is given for what is no list"),
    code("LIST_SIZE_INVALID_ASSUMED_SIZE", "an assumed size is negative"),
    code("LIST_SIZE_INVALID_SIZED_FIELD", "a sized field does not exist"),
    code(
        "LIST_SIZE_INVALID_SLICING_ARGUMENT",
        "a slicing argument does not exist or is no integer",
    ),
    code("INVALID_FEDERATION_SUPERGRAPH", "a document is not a supergraph"),
];

pub(super) fn is_known(name: &str) -> bool {
    ERROR_CODES.iter().any(|code| code.name == name)
}
