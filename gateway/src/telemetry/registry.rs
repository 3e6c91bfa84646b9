//! Counters, gauges and histograms with fixed buckets, and their Prometheus text.
//!
//! Recording is one or two atomic additions and never allocates, so nothing piles up between
//! scrapes. Handles are made once and kept by whoever records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

/// In millionths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicI64>);

#[derive(Clone, Debug)]
pub(crate) struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// Upper bounds in millionths; the last bucket has none.
    bounds: Vec<u64>,
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Counter {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Gauge {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1_000_000, Ordering::Relaxed);
    }

    pub(crate) fn decrement(&self) {
        self.0.fetch_sub(1_000_000, Ordering::Relaxed);
    }

    pub(crate) fn set_duration(&self, duration: std::time::Duration) {
        self.0.store(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

impl Histogram {
    fn new(bounds: &[u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds: bounds.to_vec(), counts, sum: AtomicU64::new(0) }))
    }

    /// A value in millionths: microseconds for durations.
    pub(crate) fn record(&self, millionths: u64) {
        let Buckets { bounds, counts, sum } = &*self.0;
        let bucket = bounds.iter().position(|bound| millionths <= *bound).unwrap_or(bounds.len());
        counts[bucket].fetch_add(1, Ordering::Relaxed);
        sum.fetch_add(millionths, Ordering::Relaxed);
    }

    pub(crate) fn record_duration(&self, duration: std::time::Duration) {
        self.record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Of one metric.
const MAX_SERIES: usize = 1_000;

/// All metrics, by name.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<BTreeMap<&'static str, Family>>);

#[derive(Debug)]
struct Family {
    help: &'static str,
    /// By their labels as they are written.
    series: BTreeMap<String, Series>,
}

#[derive(Clone, Debug)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// A metric's name and what it means.
pub(crate) type Description = (&'static str, &'static str);

impl Registry {
    pub(crate) fn counter(&self, what: Description, labels: &[(&str, &str)]) -> Counter {
        let made = || Series::Counter(Counter::default());
        match self.series(what, labels, made) {
            Series::Counter(counter) => counter,
            Series::Gauge(_) | Series::Histogram(_) => Counter::default(),
        }
    }

    pub(crate) fn gauge(&self, what: Description) -> Gauge {
        match self.series(what, &[], || Series::Gauge(Gauge::default())) {
            Series::Gauge(gauge) => gauge,
            Series::Counter(_) | Series::Histogram(_) => Gauge::default(),
        }
    }

    /// Bounds are in millionths.
    pub(crate) fn histogram(
        &self,
        what: Description,
        labels: &[(&str, &str)],
        bounds: &[u64],
    ) -> Histogram {
        match self.series(what, labels, || Series::Histogram(Histogram::new(bounds))) {
            Series::Histogram(histogram) => histogram,
            Series::Counter(_) | Series::Gauge(_) => Histogram::new(bounds),
        }
    }

    fn series(
        &self,
        (name, help): Description,
        labels: &[(&str, &str)],
        made: impl FnOnce() -> Series,
    ) -> Series {
        let mut families = self.families();
        let family =
            families.entry(name).or_insert_with(|| Family { help, series: BTreeMap::new() });
        let labels = written(labels);
        if family.series.len() >= MAX_SERIES && !family.series.contains_key(&labels) {
            // Counted for nobody: labels that others invent must not fill the memory.
            return made();
        }
        family.series.entry(labels).or_insert_with(made).clone()
    }

    fn families(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Prometheus text format, version 0.0.4.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for (name, Family { help, series }) in &*self.families() {
            let kind = match series.values().next() {
                Some(Series::Counter(_)) => "counter",
                Some(Series::Gauge(_)) => "gauge",
                Some(Series::Histogram(_)) => "histogram",
                None => continue,
            };
            line(&mut out, format_args!("# HELP {name} {help}"));
            line(&mut out, format_args!("# TYPE {name} {kind}"));
            for (labels, series) in series {
                match series {
                    Series::Counter(Counter(value)) => {
                        let value = value.load(Ordering::Relaxed);
                        line(&mut out, format_args!("{name}{} {value}", braces(labels)));
                    }
                    Series::Gauge(Gauge(value)) => {
                        let value = value.load(Ordering::Relaxed);
                        let sign = if value < 0 { "-" } else { "" };
                        let value = decimal(value.unsigned_abs());
                        line(&mut out, format_args!("{name}{} {sign}{value}", braces(labels)));
                    }
                    Series::Histogram(Histogram(buckets)) => {
                        render_buckets(&mut out, name, labels, buckets);
                    }
                }
            }
        }
        out
    }
}

fn render_buckets(out: &mut String, name: &str, labels: &str, buckets: &Buckets) {
    let Buckets { bounds, counts, sum } = buckets;
    let comma = if labels.is_empty() { "" } else { "," };
    let mut total = 0;
    for (at, count) in counts.iter().enumerate() {
        total += count.load(Ordering::Relaxed);
        let bound = bounds.get(at).map_or_else(|| "+Inf".to_owned(), |bound| decimal(*bound));
        line(out, format_args!("{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}"));
    }
    let sum = decimal(sum.load(Ordering::Relaxed));
    line(out, format_args!("{name}_sum{} {sum}", braces(labels)));
    line(out, format_args!("{name}_count{} {total}", braces(labels)));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string can always be written to");
}

fn braces(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

/// Millionths as a decimal number.
fn decimal(millionths: u64) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn written(labels: &[(&str, &str)]) -> String {
    let label = |(name, value): &(&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    labels.iter().map(label).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_prometheus_reads() {
        let registry = Registry::default();
        registry.counter(("b_total", "Bees"), &[("name", "a\"b")]).increment();
        let waits = registry.histogram(("a_seconds", "Waits"), &[], &[1_000, 2_500_000]);
        waits.record(900);
        waits.record(3_000_000);
        registry.counter(("b_total", "Bees"), &[("name", "a\"b")]).increment();
        assert_eq!(
            registry.render(),
            "# HELP a_seconds Waits\n# TYPE a_seconds histogram\n\
             a_seconds_bucket{le=\"0.001\"} 1\na_seconds_bucket{le=\"2.5\"} 1\n\
             a_seconds_bucket{le=\"+Inf\"} 2\na_seconds_sum 3.0009\na_seconds_count 2\n\
             # HELP b_total Bees\n# TYPE b_total counter\nb_total{name=\"a\\\"b\"} 2\n"
        );
    }
}
