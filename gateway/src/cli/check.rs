//! `concord check`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use federation::diff::Modifier;
use time::OffsetDateTime;

use super::{Failure, Output, deliver};
use crate::check::{self, CheckRequest, ReportFormat, Style, Traffic, print_report};
use crate::config::{CheckConfig, CheckUsageConfig, Config, ContractConfig, FailOn};
use crate::outbound::HttpClient;
use crate::spelling::did_you_mean;

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The schema as it was: a file, a folder, an address, or a git revision (`main`) in which
    /// the head is looked up
    #[arg(long, value_name = "FILE|REV|URL")]
    base: String,
    /// The schema as it would be: API schema, supergraph, supergraph.yaml, folder, introspection
    /// JSON, or the address of a running graph
    #[arg(long, value_name = "FILE|URL")]
    head: String,
    /// Another schema for a subgraph of the head; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = super::compose::parse_pair)]
    subgraph: Vec<(String, PathBuf)>,
    /// Operations of clients: documents, or manifests of persisted queries (.json)
    #[arg(long, value_name = "GLOB")]
    operations: Vec<String>,
    /// The usage log of `concord serve`: `sqlite://FILE` or `postgres://…`
    #[arg(long, value_name = "DATABASE", env = "CONCORD_USAGE_DATABASE")]
    usage: Option<String>,
    /// How far back the usage log counts [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    window: Option<Duration>,
    /// Requests below which an operation of the usage log does not count
    #[arg(long, value_name = "N")]
    min_count: Option<u64>,
    /// Percent of all requests below which an operation does not count
    #[arg(long, value_name = "PERCENT", value_parser = parse_percentage)]
    min_percentage: Option<f64>,
    /// Clients that do not count
    #[arg(long, value_name = "NAME[@VERSION]")]
    exclude_client: Vec<String>,
    /// Operations of the usage log that do not count
    #[arg(long, value_name = "NAME")]
    exclude_operation: Vec<String>,
    /// Changes the judgement: dangerousBreaking, suppressRemovalOfDeprecatedField,
    /// ignoreDescriptionChanges, safeUnreachable, simplifyChanges, considerUsage
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,
    /// Directives whose uses do not matter
    #[arg(long, value_name = "NAME")]
    ignore_directive: Vec<String>,
    /// File of accepted changes
    #[arg(long, value_name = "FILE")]
    accept: Option<PathBuf>,
    /// A variant by tags: NAME:include=a+b:exclude=c:hide-unreachable
    #[arg(long, value_name = "CONTRACT", value_parser = parse_contract)]
    contract: Vec<(String, ContractConfig)>,
    /// Look at the style of the head, too
    #[arg(long)]
    lint: bool,
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    /// Configuration (concord.yaml): its `check` and `lint` parts
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Another format into a file, e.g. sarif=check.sarif; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_report)]
    report: Vec<(ReportFormat, PathBuf)>,
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
        .ok_or_else(|| format!("`{text}` is not a duration such as 24h or 7d"))
}

fn parse_percentage(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        Ok(_) | Err(_) => Err("between 0 and 100, e.g. 0.5".to_owned()),
    }
}

fn parse_report(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let (format, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or("write FORMAT=FILE, e.g. sarif=check.sarif")?;
    let format = clap::ValueEnum::from_str(format, true).map_err(|_| {
        format!("`{format}` is not one of text, json, markdown, github, sarif, junit")
    })?;
    Ok((format, file.into()))
}

fn parse_contract(text: &str) -> Result<(String, ContractConfig), String> {
    let mut parts = text.split(':');
    let name = parts.next().filter(|name| !name.is_empty()).ok_or("a contract needs a name")?;
    let mut contract = ContractConfig::default();
    for part in parts {
        let names = |list: &str| list.split('+').map(str::to_owned).collect();
        match part.split_once('=') {
            Some(("include", list)) => contract.include = names(list),
            Some(("exclude", list)) => contract.exclude = names(list),
            None if part == "hide-unreachable" => contract.hide_unreachable = true,
            Some(_) | None => {
                return Err(format!(
                    "`{part}` is none of include=…, exclude=… and hide-unreachable"
                ));
            }
        }
    }
    Ok((name.to_owned(), contract))
}

pub(crate) async fn check(
    arguments: CheckArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (format, file) = (arguments.format, arguments.output.clone());
    let reports = arguments.report.clone();
    let request = request(arguments)?;
    let report = check::run(&HttpClient::new(), &request).await.map_err(|error| {
        if error.is_usage() { Failure::usage(error) } else { Failure::input(error) }
    })?;
    for (format, file) in reports {
        deliver(output, Some(&file), &print_report(&report, format, Style::Plain))?;
    }
    let style = if file.is_none() { style() } else { Style::Plain };
    deliver(output, file.as_deref(), &print_report(&report, format, style))?;
    if report.is_ok() { Ok(()) } else { Err(Failure::Findings { message: String::new() }) }
}

/// Colours for terminals, unless somebody does not want them.
pub(super) fn style() -> Style {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    if set("NO_COLOR") {
        Style::Plain
    } else if set("CLICOLOR_FORCE") || std::io::stdout().is_terminal() {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// Options go before the configuration; lists are joined.
fn request(arguments: CheckArguments) -> Result<CheckRequest, Failure> {
    let config = match &arguments.config {
        Some(path) => Config::load(path).map_err(Failure::usage)?,
        None => Config::default(),
    };
    let CheckConfig {
        mut operations,
        usage,
        mut rules,
        mut ignore_directives,
        acceptances,
        fail_on,
        mut contracts,
    } = config.check;
    operations.extend(arguments.operations);
    rules.extend(arguments.rule);
    ignore_directives.extend(
        arguments.ignore_directive.into_iter().map(|name| name.trim_start_matches('@').to_owned()),
    );
    contracts.extend(arguments.contract);
    let CheckUsageConfig {
        database,
        window,
        min_count,
        min_percentage,
        mut exclude_clients,
        mut exclude_operations,
    } = usage;
    exclude_clients.extend(arguments.exclude_client);
    exclude_operations.extend(arguments.exclude_operation);
    let traffic = arguments.usage.or(database).map(|database| Traffic {
        database,
        window: arguments.window.unwrap_or(window),
        min_count: arguments.min_count.unwrap_or(min_count),
        min_percentage: arguments.min_percentage.unwrap_or(min_percentage),
        exclude_clients,
        exclude_operations,
    });
    let considers_usage = !operations.is_empty() || traffic.is_some();
    let mut modifiers = modifiers(&rules, considers_usage)?;
    if !ignore_directives.is_empty() {
        modifiers.push(Modifier::IgnoreDirectives(ignore_directives));
    }
    Ok(CheckRequest {
        base: arguments.base,
        head: arguments.head,
        subgraphs: arguments.subgraph,
        operations,
        traffic,
        modifiers,
        acceptances: arguments.accept.or(acceptances),
        contracts,
        lint: (arguments.lint || arguments.config.is_some() && !config.lint.is_empty())
            .then_some(config.lint),
        fail_on: arguments.fail_on.unwrap_or(fail_on),
        today: OffsetDateTime::now_utc().date(),
    })
}

/// Operations, where they are known, always count; naming that is allowed, and needs them.
const CONSIDER_USAGE: &str = "considerUsage";

fn modifiers(names: &[String], considers_usage: bool) -> Result<Vec<Modifier>, Failure> {
    let mut modifiers = Vec::new();
    for name in names {
        match Modifier::from_name(name) {
            Some(modifier) => modifiers.push(modifier),
            None if name == CONSIDER_USAGE && considers_usage => {}
            None if name == CONSIDER_USAGE => {
                return Err(Failure::usage("--rule considerUsage needs --operations or --usage"));
            }
            None => {
                let known = Modifier::NAMES.into_iter().chain([CONSIDER_USAGE]);
                let hint = did_you_mean(name, known);
                return Err(Failure::usage(format!("there is no rule `{name}`{hint}")));
            }
        }
    }
    Ok(modifiers)
}
