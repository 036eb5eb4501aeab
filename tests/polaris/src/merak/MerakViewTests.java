package merak;

import org.apache.polaris.service.it.test.PolarisRestCatalogViewFileIntegrationTestBase;

/** Polaris' tests of views on local files, which it publishes as an abstract class. */
public class MerakViewTests extends PolarisRestCatalogViewFileIntegrationTestBase {}
