"""Google's own Python client, google-analytics-data, asks the world over REST with a service account's key. Its order is JSON on
standard input; each step it has done is a line `done NAME`, and what doesn't go as the client expects ends it with a traceback."""

import json
import sys

from google.analytics.data_v1alpha import AlphaAnalyticsDataClient
from google.analytics.data_v1alpha import types as alpha
from google.analytics.data_v1alpha.services.alpha_analytics_data.transports import AlphaAnalyticsDataRestTransport
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta import types as beta
from google.analytics.data_v1beta.services.beta_analytics_data.transports import BetaAnalyticsDataRestTransport
from google.api_core.exceptions import BadRequest, Forbidden, TooManyRequests
from google.oauth2 import service_account

order = json.load(sys.stdin)
scopes = ["https://www.googleapis.com/auth/analytics.readonly"]
credentials = service_account.Credentials.from_service_account_info(json.loads(order["key"]), scopes=scopes)


def transport(kind):
    # Without this the client would sign a token for Google's own address by itself and ask for none.
    return kind(host=order["host"], url_scheme="http", credentials=credentials, always_use_jwt_access=False)


client = BetaAnalyticsDataClient(transport=transport(BetaAnalyticsDataRestTransport))
prop = f"properties/{order['property']}"


def done(name):
    print(f"done {name}", flush=True)


def table(report):
    return [[v.value for v in row.dimension_values] + [v.value for v in row.metric_values] for row in report.rows]


def report(**fields):
    return beta.RunReportRequest(property=prop, **fields)


days = [beta.DateRange(start_date="2026-10-20", end_date="2026-10-24")]
views = [beta.Metric(name="screenPageViews"), beta.Metric(name="totalUsers")]

exact = beta.Filter.StringFilter(match_type=beta.Filter.StringFilter.MatchType.EXACT, value="page_view")
told = client.run_report(
    report(
        date_ranges=days,
        dimensions=[beta.Dimension(name="date")],
        metrics=views,
        dimension_filter=beta.FilterExpression(filter=beta.Filter(field_name="eventName", string_filter=exact)),
        order_bys=[beta.OrderBy(dimension=beta.OrderBy.DimensionOrderBy(dimension_name="date"))],
        metric_aggregations=[beta.MetricAggregation.TOTAL],
        limit=2,
        return_property_quota=True,
    )
)
assert table(told) == [["20261020", "2", "1"], ["20261021", "1", "1"]], told
assert told.row_count == 3 and told.metadata.time_zone == "America/New_York", told
assert told.totals[0].metric_values[0].value == "4" and told.property_quota.tokens_per_hour.remaining == 39990, told
assert told.metric_headers[0].type_ == beta.MetricType.TYPE_INTEGER
done("report")

pair = client.batch_run_reports(
    beta.BatchRunReportsRequest(property=prop, requests=[report(date_ranges=days, metrics=views)] * 2)
)
assert [table(one) for one in pair.reports] == [[["4", "2"]]] * 2, pair
done("batch")

two = client.run_report(report(date_ranges=days + [beta.DateRange(start_date="2026-10-25", end_date="2026-10-31", name="b")], metrics=views))
assert table(two) == [["date_range_0", "4", "2"], ["b", "3", "2"]], two
empty = client.run_report(report(date_ranges=[beta.DateRange(start_date="2020-01-01", end_date="2020-01-02")], metrics=views))
assert len(empty.rows) == 0 and empty.row_count == 0
done("ranges")

cohort = beta.Cohort(name="c0", dimension="firstSessionDate", date_range=beta.DateRange(start_date="2026-10-20", end_date="2026-10-20"))
spec = beta.CohortSpec(cohorts=[cohort], cohorts_range=beta.CohortsRange(granularity=beta.CohortsRange.Granularity.DAILY, end_offset=3))
told = client.run_report(
    report(
        dimensions=[beta.Dimension(name="cohort"), beta.Dimension(name="cohortNthDay")],
        metrics=[beta.Metric(name="cohortActiveUsers")],
        cohort_spec=spec,
    )
)
assert table(told) == [["c0", "0000", "1"], ["c0", "0002", "1"], ["c0", "0003", "1"]], told
done("cohorts")

now = client.run_realtime_report(
    beta.RunRealtimeReportRequest(
        property=prop,
        dimensions=[beta.Dimension(name="eventName")],
        metrics=[beta.Metric(name="eventCount")],
        minute_ranges=[beta.MinuteRange(name="now", start_minutes_ago=29, end_minutes_ago=0)],
    )
)
assert table(now) == [["just_now", "1"]], now
done("realtime")

metadata = client.get_metadata(name=f"{prop}/metadata")
assert any(one.api_name == "customEvent:plan" and one.custom_definition for one in metadata.dimensions), metadata
fit = client.check_compatibility(beta.CheckCompatibilityRequest(property=prop, metrics=views))
assert fit.metric_compatibilities[0].compatibility == beta.Compatibility.COMPATIBLE
done("metadata")

alphas = AlphaAnalyticsDataClient(transport=transport(AlphaAnalyticsDataRestTransport))


def step(event):
    named = alpha.FunnelEventFilter(event_name=event)
    return alpha.FunnelStep(name=event, filter_expression=alpha.FunnelFilterExpression(funnel_event_filter=named))


funnel = alphas.run_funnel_report(
    alpha.RunFunnelReportRequest(
        property=prop,
        date_ranges=[alpha.DateRange(start_date="2026-10-20", end_date="2026-10-31")],
        funnel=alpha.Funnel(steps=[step("first_visit"), step("signup"), step("purchase")]),
        funnel_breakdown=alpha.FunnelBreakdown(breakdown_dimension=alpha.Dimension(name="country"), limit=5),
    )
)
rows = [[v.value for v in row.dimension_values] + [row.metric_values[0].value] for row in funnel.funnel_table.rows]
assert ["1. first_visit", "RESERVED_TOTAL", "3"] in rows and ["3. purchase", "Germany", "1"] in rows, rows
done("funnel")


def refused(kind, request):
    try:
        client.run_report(request)
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind} was expected")


assert "pageViews" in refused(BadRequest, report(date_ranges=days, metrics=[beta.Metric(name="pageViews")]))
assert "incompatible" in refused(BadRequest, report(date_ranges=days, dimensions=[beta.Dimension(name="itemName")], metrics=views))
assert "sufficient permissions" in refused(Forbidden, beta.RunReportRequest(property="properties/1", date_ranges=days, metrics=views))
done("refusals")
for _ in range(5000):
    try:
        client.run_report(report(date_ranges=days, metrics=views))
    except TooManyRequests as error:
        assert "Exhausted property tokens" in str(error)
        done("quota")
        break
