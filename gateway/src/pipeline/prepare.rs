//! What is worked out once per operation: the valid document, its normal form, the protected
//! fields, and a plan for each set of rights that callers have come with, and for each set of labels
//! of progressive overrides that was on.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use executor::CompiledPlan;
use federation::operation::{Document, Operation, OperationError, ValidDocument};
use federation::plan::QueryPlan;
use federation::planner::verify::verify;
use federation::planner::{PlanError, PlanOptions};
use indexmap::Equivalent;

use super::limits::check_limits;
use super::override_labels::LabelShares;
use crate::auth::identity::Identity;
use crate::auth::requirements::{Decision, ProtectedFields};
use crate::config::LimitsConfig;
use crate::http::error::{ClientError, DocumentError, DocumentErrorCode};
use crate::http::request::GraphqlRequest;
use crate::schema::ServedSchema;
use crate::telemetry::Telemetry;

/// A cached operation is found by the exact text: hashes alone could mix up two documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperationKey {
    document: Arc<str>,
    name: Option<Arc<str>>,
}

impl OperationKey {
    pub(crate) fn new(document: &str, name: Option<&str>) -> Self {
        Self { document: document.into(), name: name.map(Into::into) }
    }
}

/// The same without owning the text, for look-ups.
struct OperationKeyRef<'r> {
    document: &'r str,
    name: Option<&'r str>,
}

impl Hash for OperationKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        OperationKeyRef { document: &self.document, name: self.name.as_deref() }.hash(state);
    }
}

impl Hash for OperationKeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.document.hash(state);
        self.name.hash(state);
    }
}

impl Equivalent<OperationKey> for OperationKeyRef<'_> {
    fn equivalent(&self, key: &OperationKey) -> bool {
        *self.document == *key.document && self.name == key.name.as_deref()
    }
}

/// An operation that is ready to be run, for any caller and any variables.
#[derive(Debug)]
pub(crate) struct PreparedOperation {
    pub(crate) document: ValidDocument,
    pub(crate) name: Option<String>,
    key: OperationKey,
    pub(crate) operation: Operation,
    /// Selects `__schema` or `__type` at the root.
    pub(crate) introspects: bool,
    protected: ProtectedFields,
    /// Of progressive overrides.
    labels: LabelShares,
    /// For callers who may see everything the operation selects, with all labels off.
    whole: OnceLock<Arc<CompiledPlan>>,
    /// For others: the most recently made ones, newest last.
    others: Mutex<Vec<(PlanKey, Arc<CompiledPlan>)>>,
    /// Of all plans, roughly.
    plan_bytes: AtomicUsize,
}

/// What a plan of one operation depends on besides the operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PlanKey {
    decision: Decision,
    /// Labels of progressive overrides that are on.
    labels: BTreeSet<String>,
}

impl ServedSchema {
    /// Finds the operation among those known, or parses, checks and validates it.
    pub(crate) fn prepare(
        &self,
        limits: &LimitsConfig,
        telemetry: &Telemetry,
        request: &GraphqlRequest,
    ) -> Result<Arc<PreparedOperation>, ClientError> {
        let name = request.operation_name.as_deref();
        if let Some(operation) =
            self.operations.get(&OperationKeyRef { document: &request.query, name })
        {
            telemetry.plan_cache_hits.increment();
            return Ok(operation);
        }
        telemetry.plan_cache_misses.increment();
        let started = Instant::now();
        let operation = Arc::new(self.read_operation(limits, &request.query, name)?);
        self.operations.insert(operation.key.clone(), operation.clone());
        telemetry.planning_duration.record_duration(started.elapsed());
        Ok(operation)
    }

    fn read_operation(
        &self,
        limits: &LimitsConfig,
        text: &str,
        name: Option<&str>,
    ) -> Result<PreparedOperation, ClientError> {
        if text.len() > limits.document_bytes {
            let message = format!("document is larger than {} bytes", limits.document_bytes);
            return Err(ClientError::document(DocumentErrorCode::DocumentSize, message));
        }
        let document = Document::parse_with(text, limits.tokens).map_err(refuse_operation)?;
        check_limits(document.ast(), limits)?;
        let labels = self.override_labels.shares(self.planner.override_labels(&document));
        let document = document.validate(self.api_schema()).map_err(refuse_operation)?;
        let operation = document
            .operation(name, self.planner.query_graph(), self.api_schema())
            .map_err(refuse_operation)?;
        let chosen = document.choose(name).map_err(refuse_operation)?;
        let executable = document.executable();
        let introspects = chosen
            .root_fields(executable)
            .any(|field| matches!(field.name.as_str(), "__schema" | "__type"));
        let protected = self.requirements.protected_fields(
            self.api_schema(),
            &self.implementers,
            executable,
            chosen,
        );
        Ok(PreparedOperation {
            name: name.map(str::to_owned),
            operation,
            introspects,
            protected,
            labels,
            whole: OnceLock::new(),
            others: Mutex::default(),
            plan_bytes: AtomicUsize::new(0),
            key: OperationKey::new(text, name),
            document,
        })
    }

    /// An operation of another schema as it is in this one, with its plans if nothing that it
    /// touches has changed, else with new ones where it had one.
    pub(crate) fn carry_over(
        &self,
        old: &Self,
        limits: &LimitsConfig,
        key: &OperationKey,
        known: &PreparedOperation,
    ) -> Result<PreparedOperation, ClientError> {
        let operation = self.read_operation(limits, &key.document, key.name.as_deref())?;
        // Rules have other numbers in another schema: who is denied something waits.
        let mut plans: Vec<(PlanKey, Arc<CompiledPlan>)> = known.others().clone();
        plans.retain(|(key, _)| key.decision == Decision::default());
        plans.extend(known.whole.get().map(|plan| (PlanKey::default(), plan.clone())));
        if plans.is_empty() {
            return Ok(operation);
        }
        let document = Document::parse(&key.document).map_err(refuse_operation)?;
        let is_same = self.planner.fingerprint(&document) == old.planner.fingerprint(&document);
        if is_same {
            let bytes = known.plan_bytes.load(Ordering::Relaxed);
            operation.plan_bytes.store(bytes, Ordering::Relaxed);
        }
        for (key, plan) in plans {
            let plan = if is_same { plan } else { operation.plan(self, &key)? };
            if key == PlanKey::default() {
                let _ = operation.whole.set(plan);
            } else {
                operation.others().push((key, plan));
            }
        }
        Ok(operation)
    }

    /// An operation whose plan has been made ahead, for this very schema.
    pub(crate) fn adopt(
        &self,
        limits: &LimitsConfig,
        text: &str,
        name: Option<&str>,
        plan: &QueryPlan,
    ) -> Result<(), ClientError> {
        let operation = self.read_operation(limits, text, name)?;
        operation.plan_bytes.store(plan.bytes(), Ordering::Relaxed);
        let _ = operation.whole.set(Arc::new(CompiledPlan::new(plan)));
        self.operations.insert(operation.key.clone(), Arc::new(operation));
        Ok(())
    }
}

impl PreparedOperation {
    /// Roughly, in memory.
    pub(crate) fn bytes(&self) -> usize {
        // The syntax tree, the executable document and the normal form, per byte of text.
        const PER_BYTE: usize = 24;
        // A plan is kept in the form in which it runs, which is bigger.
        const PER_PLAN_BYTE: usize = 2;
        size_of::<Self>()
            + self.key.document.len() * PER_BYTE
            + self.plan_bytes.load(Ordering::Relaxed) * PER_PLAN_BYTE
    }

    /// Whether both run the same plan.
    pub(crate) fn has_plan_of(&self, other: &Self) -> bool {
        self.whole.get().zip(other.whole.get()).is_some_and(|(own, other)| Arc::ptr_eq(own, other))
    }

    /// The plan for what this caller may see, and for the labels that are on this time.
    pub(crate) fn plan_for(
        self: &Arc<Self>,
        schema: &ServedSchema,
        identity: &Identity,
        remembered: usize,
    ) -> Result<Arc<CompiledPlan>, ClientError> {
        let key = PlanKey {
            decision: schema.requirements.decide(&self.protected, identity),
            labels: schema.override_labels.draw(&self.labels),
        };
        if key == PlanKey::default() {
            if let Some(plan) = self.whole.get() {
                return Ok(plan.clone());
            }
            let plan = self.plan(schema, &key)?;
            let plan = self.whole.get_or_init(|| plan).clone();
            schema.operations.insert(self.key.clone(), self.clone());
            return Ok(plan);
        }
        if let Some((_, plan)) = self.others().iter().find(|(known, _)| *known == key) {
            return Ok(plan.clone());
        }
        let plan = self.plan(schema, &key)?;
        let mut others = self.others();
        if others.len() >= remembered.max(1) {
            others.remove(0);
        }
        others.push((key, plan.clone()));
        drop(others);
        // The cache weighs it again.
        schema.operations.insert(self.key.clone(), self.clone());
        Ok(plan)
    }

    fn others(&self) -> MutexGuard<'_, Vec<(PlanKey, Arc<CompiledPlan>)>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self, schema: &ServedSchema, key: &PlanKey) -> Result<Arc<CompiledPlan>, ClientError> {
        let PlanKey { decision, labels } = key;
        let options = PlanOptions {
            denied: self.protected.denied(decision),
            override_labels: labels.clone(),
            ..PlanOptions::default()
        };
        let plan = schema.planner.plan(&self.operation, &options).map_err(|error| match error {
            PlanError::TooComplex { .. } => {
                ClientError::document(DocumentErrorCode::Complexity, error.to_string())
            }
            fault => {
                tracing::error!(error = %fault, operation = self.name, "operation could not be planned");
                ClientError::Internal
            }
        })?;
        if schema.verify_plans {
            let violations = verify(&schema.planner, &self.operation, &options, &plan);
            if let Some(violation) = violations.first() {
                tracing::error!(%violation, operation = self.name, "the plan is not sound");
                return Err(ClientError::Internal);
            }
        }
        self.plan_bytes.fetch_add(plan.bytes(), Ordering::Relaxed);
        Ok(Arc::new(CompiledPlan::new(&plan)))
    }
}

/// Enough to mend a document.
const MAX_ERRORS: usize = 50;

pub(super) fn refuse_operation(error: OperationError) -> ClientError {
    let code = match &error {
        OperationError::Syntax(_) => DocumentErrorCode::Parse,
        OperationError::Validation(_) => DocumentErrorCode::Validation,
        OperationError::UnknownOperation { .. }
        | OperationError::AmbiguousOperation
        | OperationError::NoOperation => DocumentErrorCode::OperationName,
        OperationError::TooManyTokens { .. } => DocumentErrorCode::Tokens,
        OperationError::TooManyFields { .. } => DocumentErrorCode::Fields,
    };
    match error {
        OperationError::Syntax(errors) | OperationError::Validation(errors) => {
            let errors = errors.into_iter().take(MAX_ERRORS);
            let errors = errors
                .map(|error| DocumentError { message: error.message, locations: error.locations });
            ClientError::Document { code, errors: errors.collect() }
        }
        other => ClientError::document(code, other.to_string()),
    }
}
