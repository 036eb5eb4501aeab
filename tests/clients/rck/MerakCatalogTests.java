package merak;

import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.rest.RESTCompatibilityKitCatalogTests;
import org.junit.jupiter.api.AfterEach;

/**
 * The kit's tests of a catalog, with nested namespaces, for which it has no switch, and with tables below the temporary
 * folder of this process instead of /tmp itself.
 */
public class MerakCatalogTests extends RESTCompatibilityKitCatalogTests {
  @Override
  protected boolean supportsNestedNamespaces() {
    return true;
  }

  @Override
  protected String baseTableLocation(TableIdentifier table) {
    return "file:" + System.getProperty("java.io.tmpdir") + "/" + table.namespace() + "/" + table.name();
  }

  /** One of the two tests of nested namespaces leaves behind what the other does not expect. */
  @AfterEach
  void dropParent() {
    catalog().dropNamespace(Namespace.of("parent"));
  }
}
