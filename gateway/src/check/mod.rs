//! `concord check`: what changed between two schemas, and which operations notice.
//!
//! Loading and printing live here; the comparison itself is `federation::diff`, and the rules of
//! style are `federation::lint`. [`run`] is the table of contents.

mod acceptances;
mod contracts;
mod error;
mod git;
mod judge;
mod load;
pub(crate) mod operations;
mod parallel;
mod places;
mod report;
mod traffic;

use std::collections::BTreeMap;
use std::path::PathBuf;

use federation::diagnostic::Diagnostic;
use federation::diff::{Change, Criticality, Impact, Modifier, diff_with};
use time::Date;

pub(crate) use acceptances::Acceptances;
pub(crate) use contracts::ContractReport;
pub(crate) use error::CheckError;
pub(crate) use judge::{Finding, Verdict};
pub(crate) use places::Place;
pub(crate) use report::{ReportFormat, Style, lint_json, lint_text, print_report};
pub(crate) use traffic::Traffic;

use crate::config::{ContractConfig, FailOn, LintConfig};
use crate::lint::{self, LintFinding};
use crate::outbound::HttpClient;
use crate::source::SubgraphSource;
use judge::Judge;
use load::{Head, Side};
use operations::{ClientOperation, OperationsReport, check_operations, load_operations};
use parallel::both;
use places::Places;

/// What to compare, and how strictly.
#[derive(Clone, Debug)]
pub(crate) struct CheckRequest {
    /// A file, a folder, an address, or a git revision in which the head is looked up.
    pub(crate) base: String,
    pub(crate) head: String,
    /// Schemas that replace subgraphs of the head.
    pub(crate) subgraphs: Vec<(String, PathBuf)>,
    pub(crate) operations: Vec<String>,
    pub(crate) traffic: Option<Traffic>,
    pub(crate) modifiers: Vec<Modifier>,
    pub(crate) acceptances: Option<PathBuf>,
    pub(crate) contracts: BTreeMap<String, ContractConfig>,
    pub(crate) lint: Option<LintConfig>,
    pub(crate) fail_on: FailOn,
    pub(crate) today: Date,
}

/// The result of a check.
#[derive(Debug)]
pub(crate) struct CheckReport {
    pub(crate) base: String,
    pub(crate) head: String,
    pub(crate) composition: CompositionReport,
    pub(crate) findings: Vec<Finding>,
    /// The API schema is the same, but the supergraph is not.
    pub(crate) only_supergraph_changed: bool,
    pub(crate) operations: Option<OperationsReport>,
    pub(crate) acceptances: Acceptances,
    pub(crate) contracts: Vec<ContractReport>,
    /// None if not asked for.
    pub(crate) lint: Option<Vec<LintFinding>>,
    pub(crate) fail_on: FailOn,
}

/// How the head's subgraphs fit together.
#[derive(Debug, Default)]
pub(crate) struct CompositionReport {
    /// There was something to compose.
    pub(crate) composed: bool,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
    /// For snippets.
    pub(crate) subgraphs: Vec<SubgraphSource>,
}

impl CheckReport {
    /// Nothing breaks.
    pub(crate) fn is_ok(&self) -> bool {
        self.composition.errors.is_empty()
            && !self.fails(&self.findings)
            && !self.breaks_operations()
            && self.contracts.iter().all(|contract| !self.contract_fails(contract))
            && !self.lint.iter().flatten().any(LintFinding::is_error)
    }

    pub(crate) fn breaks_operations(&self) -> bool {
        self.fail_on != FailOn::Never
            && self.operations.as_ref().is_some_and(|operations| {
                operations.broken.iter().any(|(index, _)| !self.is_accepted_break(*index))
            })
    }

    /// Everything that this operation would notice has been agreed to.
    pub(crate) fn is_accepted_break(&self, operation: usize) -> bool {
        let mut noticed = self
            .findings
            .iter()
            .filter(|finding| finding.noticed_by.contains(&operation))
            .peekable();
        noticed.peek().is_some()
            && noticed.all(|finding| matches!(finding.verdict, Verdict::Accepted(_)))
    }

    pub(crate) fn contract_fails(&self, contract: &ContractReport) -> bool {
        !contract.errors.is_empty() || self.fails(&contract.findings)
    }

    pub(crate) fn fails(&self, findings: &[Finding]) -> bool {
        let from = match self.fail_on {
            FailOn::Breaking => Criticality::Breaking,
            FailOn::Dangerous => Criticality::Dangerous,
            FailOn::Never => return false,
        };
        findings.iter().any(|finding| !finding.change.implied && finding.effective() >= from)
    }

    pub(crate) fn count(&self, criticality: Criticality) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.effective() == criticality && !finding.change.implied)
            .count()
    }
}

pub(crate) async fn run(
    client: &HttpClient,
    request: &CheckRequest,
) -> Result<CheckReport, CheckError> {
    let mut acceptances = match &request.acceptances {
        Some(path) => Acceptances::read(path, request.today)?,
        None => Acceptances::default(),
    };
    let logged = logged_operations(request).await?;
    let head = load::read_head(client, &request.head, &request.subgraphs).await;
    let base = load::read_base(client, &request.base, &request.head).await;
    let (operations, (head, base)) = both(
        || load_operations(&request.operations),
        || both(|| head.and_then(load::build_head), || base.and_then(load::build_base)),
    );
    let operations = together(operations?, logged, request);
    let head = match head? {
        Head::Loaded(head) => head,
        Head::Broken { origin, errors, subgraphs } => {
            return Ok(broken(request, origin, errors, subgraphs));
        }
    };
    let base = base?;
    let changes = diff_with(&base.api_schema, &head.api_schema, &request.modifiers);
    let only_supergraph_changed = changes.is_empty() && base.supergraph_sdl != head.supergraph_sdl;
    let mut operations = operations.map(|(operations, below_threshold)| {
        check_operations(&base.api_schema, &head.api_schema, operations, below_threshold)
    });
    let findings = judge(&base, &head, changes, &mut operations, &mut acceptances);
    let contracts = contracts::check(&base, &head, request, &mut acceptances)?;
    let lint = match &request.lint {
        Some(config) => Some(lint_head(&head, config)?),
        None => None,
    };
    let Side { origin, hints, subgraphs, supergraph_sdl, .. } = *head;
    Ok(CheckReport {
        base: base.origin,
        head: origin,
        composition: CompositionReport {
            composed: supergraph_sdl.is_some() && !subgraphs.is_empty(),
            errors: Vec::new(),
            hints,
            subgraphs,
        },
        findings,
        only_supergraph_changed,
        operations,
        acceptances,
        contracts,
        lint,
        fail_on: request.fail_on,
    })
}

/// Operations of the usage log, and how many were too rare to count.
async fn logged_operations(
    request: &CheckRequest,
) -> Result<(Vec<ClientOperation>, usize), CheckError> {
    match &request.traffic {
        Some(traffic) => traffic.operations().await,
        None => Ok((Vec::new(), 0)),
    }
}

/// None if nobody has named any operations.
fn together(
    mut operations: Vec<ClientOperation>,
    (logged, below_threshold): (Vec<ClientOperation>, usize),
    request: &CheckRequest,
) -> Option<(Vec<ClientOperation>, usize)> {
    operations.extend(logged);
    let asked = !request.operations.is_empty() || request.traffic.is_some();
    asked.then_some((operations, below_threshold))
}

fn judge(
    base: &Side,
    head: &Side,
    changes: Vec<Change>,
    operations: &mut Option<OperationsReport>,
    acceptances: &mut Acceptances,
) -> Vec<Finding> {
    let (old, new) = both(|| Places::of(&base.texts), || Places::of(&head.texts));
    let uses = operations.as_mut().map(|operations| std::mem::take(&mut operations.uses));
    let impact = uses.map(|uses| Impact::new(&base.api_schema, &head.api_schema, uses));
    let judge =
        Judge { old: &old, new: &new, impact: impact.as_ref(), operations: operations.as_ref() };
    judge.judge(changes, acceptances)
}

fn lint_head(head: &Side, config: &LintConfig) -> Result<Vec<LintFinding>, CheckError> {
    let documents: Vec<lint::Document> = if head.subgraphs.is_empty() {
        let text = |text: &load::SourceText| lint::Document::new(&text.file, &text.text);
        head.texts.iter().map(text).collect()
    } else {
        head.subgraphs
            .iter()
            .map(|subgraph| lint::Document::new(&subgraph.origin, &subgraph.sdl))
            .collect()
    };
    lint::lint(&documents, config).map_err(|source| CheckError::Lint { source })
}

/// The head does not compose: everything else waits.
fn broken(
    request: &CheckRequest,
    head: String,
    errors: Vec<Diagnostic>,
    subgraphs: Vec<SubgraphSource>,
) -> CheckReport {
    CheckReport {
        base: request.base.clone(),
        head,
        composition: CompositionReport { composed: true, errors, hints: Vec::new(), subgraphs },
        findings: Vec::new(),
        only_supergraph_changed: false,
        operations: None,
        acceptances: Acceptances::default(),
        contracts: Vec::new(),
        lint: None,
        fail_on: request.fail_on,
    }
}
