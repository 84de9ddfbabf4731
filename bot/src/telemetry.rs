//! Logs to standard error and metrics for Prometheus. Set up once, by main.

use crate::secrets::{RedactingWriter, Redaction};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// Seconds at which the histograms of durations are cut.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// Starts logging. `BELLHOP_LOG` chooses what is logged (`info`, `debug`, `bellhop::outbox=debug`), `BELLHOP_LOG_FORMAT=json`
/// its form. A second call changes nothing.
pub fn start_logs(redaction: &Redaction, fallback: &str) {
    let filter = crate::secrets::environment("BELLHOP_LOG")
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(fallback));
    let redaction = redaction.clone();
    let writer = move || RedactingWriter::new(std::io::stderr(), redaction.clone());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    let json = crate::secrets::environment("BELLHOP_LOG_FORMAT").is_some_and(|format| format == "json");
    // Another subscriber is there already only where tests start several bots in one process.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).compact().try_init()
    };
}

/// The metrics of this process. The first call installs the recorder.
pub fn metrics() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS).ok()?;
            let handle = builder.install_recorder().ok()?;
            describe();
            metrics::gauge!("bellhop_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Some(handle)
        })
        .as_ref()
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("bellhop_build_info", "1, with the version as a label");
    describe_counter!("bellhop_events_accepted_total", "What was accepted durably, by source");
    describe_counter!("bellhop_commands_total", "Commands, by name and outcome");
    describe_histogram!("bellhop_command_seconds", "How long commands ran");
    describe_counter!("bellhop_deliveries_total", "Deliveries, by chat and outcome");
    describe_counter!("bellhop_delivery_ambiguous_total", "Deliveries whose outcome was unknown at first, by chat");
    describe_histogram!("bellhop_delivery_age_seconds", "From acceptance to delivery");
    describe_counter!("bellhop_ratelimited_total", "Deliveries that a platform put off, by chat");
    describe_gauge!("bellhop_outbox_depth", "Deliveries waiting, by state");
    describe_gauge!("bellhop_outbox_oldest_seconds", "Age of the oldest delivery that waits");
    describe_counter!("bellhop_panics_total", "Commands that panicked, by name");
}
