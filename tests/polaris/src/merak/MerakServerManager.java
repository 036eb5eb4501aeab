package merak;

import java.net.URI;
import org.apache.polaris.service.it.env.ClientCredentials;
import org.apache.polaris.service.it.env.ClientPrincipal;
import org.apache.polaris.service.it.env.Server;
import org.apache.polaris.service.it.ext.PolarisServerManager;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Tells Polaris' tests where the server is: each class of them has one of its own, since some want one in which there is no
 * catalog yet. Property `merak.uri.` with the name of the class behind it says where.
 */
public class MerakServerManager implements PolarisServerManager {

  @Override
  public Server serverForContext(ExtensionContext context) {
    String property = "merak.uri." + context.getRequiredTestClass().getSimpleName();
    return new Running(URI.create(System.getProperty(property)));
  }

  private record Running(URI baseUri) implements Server {

    @Override
    public ClientPrincipal adminCredentials() {
      return new ClientPrincipal("root", new ClientCredentials("test-admin", "test-secret"));
    }

    @Override
    public void close() {
      // Whoever started the server stops it.
    }
  }
}
