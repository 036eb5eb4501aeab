//! Operations on reports of what engines did.

use super::operations;
use crate::{ResolvedReports, ResolvedTable};

operations! { ResolvedTable:
    /// Reports what a scan read.
    ReportReadMetrics = "REPORT_READ_METRICS" requires [TableReadData];
    /// Reports what a commit changed.
    ReportWriteMetrics = "REPORT_WRITE_METRICS" requires [TableWriteData];
}

operations! { ResolvedReports:
    // Merak's own. The filter of a scan holds values of the data, and a report tells who reads what:
    // so that not whoever may read one table's data may read its reports.
    /// Reads reports.
    ListMetricsReports = "LIST_METRICS_REPORTS" requires [CatalogManageMetadata];
}
