package io.idem.spring.boot;

import io.idem.testkit.http.ContractScript;
import io.idem.testkit.http.HttpContractServer;
import io.idem.testkit.http.NodeSettings;
import java.net.URI;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;

/** A node of the contract's application, in this process. */
final class ContractNode implements HttpContractServer {

  private final ContractScript script;
  private final Kind kind;
  private final ContractStore store;
  private final String namespace;
  private final ContractStore.Way way;
  private final ConfigurableApplicationContext context;

  /** What the records of a node are: written in the handler's transaction, or leased. */
  enum Kind {
    TRANSACTIONAL(TransactionalContractApplication.class, ""),
    LEASED_ON_A_DATABASE(
        LeasedContractApplication.class,
        "org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration"),
    LEASED(
        LeasedContractApplication.class,
        "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration"),
    REACTIVE_ON_A_DATABASE(WebFluxContractApplication.class, WebApplicationType.REACTIVE, ""),
    REACTIVE(
        WebFluxContractApplication.class,
        WebApplicationType.REACTIVE,
        "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration");

    private final Class<?> application;
    private final WebApplicationType type;
    private final String excluded;

    Kind(Class<?> application, String excluded) {
      this(application, WebApplicationType.SERVLET, excluded);
    }

    Kind(Class<?> application, WebApplicationType type, String excluded) {
      this.application = application;
      this.type = type;
      this.excluded = excluded;
    }

    private String contextPath() {
      return type == WebApplicationType.REACTIVE
          ? "spring.webflux.base-path"
          : "server.servlet.context-path";
    }
  }

  ContractNode(ContractScript script, Kind kind, ContractStore store) {
    this(script, kind, store, UUID.randomUUID().toString(), NodeSettings.USUAL);
  }

  private ContractNode(
      ContractScript script,
      Kind kind,
      ContractStore store,
      String namespace,
      NodeSettings settings) {
    this.script = script;
    this.kind = kind;
    this.store = store;
    this.namespace = namespace;
    this.way = store.newWay();
    List<String> properties = new ArrayList<>(way.properties());
    properties.addAll(
        List.of(
            "server.port=0",
            "server.address=127.0.0.1",
            "server.compression.enabled=true",
            "spring.main.banner-mode=off",
            "spring.main.register-shutdown-hook=false",
            "spring.autoconfigure.exclude=" + kind.excluded,
            "idem.namespace=" + namespace,
            "idem.wait-at-most=" + NodeSettings.WAIT.toMillis() + "ms",
            kind.contextPath() + "=" + settings.contextPath(),
            "idem.http.strict-keys=" + settings.strictKeys(),
            "idem.http.unprotected-keys=" + (settings.refuseUnprotectedKeys() ? "refuse" : "flag"),
            "idem.tokens.keys.contract="
                + Base64.getEncoder().encodeToString(NodeSettings.tokenSecret()),
            "idem.http.max-request-size=" + NodeSettings.MAX_REQUEST + "B",
            "idem.http.max-stored-size=" + NodeSettings.MAX_STORED + "B"));
    this.context =
        new SpringApplicationBuilder(kind.application)
            .web(kind.type)
            .properties(properties.toArray(String[]::new))
            .initializers(node -> register((GenericApplicationContext) node))
            .run();
  }

  private void register(GenericApplicationContext node) {
    if (kind.type == WebApplicationType.REACTIVE) {
      WebFluxNode.useOwnLoops(node);
    }
    node.registerBean("contractScript", ContractScript.class, () -> script);
    DataSource dataSource = way.dataSource();
    if (dataSource != null) {
      node.registerBean(DataSource.class, () -> dataSource);
    }
  }

  @Override
  public URI base() {
    return URI.create(
        "http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port"));
  }

  @Override
  public void cutStore() {
    way.cut();
  }

  @Override
  public void mendStore() {
    way.mend();
  }

  @Override
  public int effects(String name) {
    return kind == Kind.TRANSACTIONAL ? store.effects(name) : script.marks(name);
  }

  @Override
  public HttpContractServer anotherNode(NodeSettings settings) {
    return new ContractNode(script, kind, store, namespace, settings);
  }

  @Override
  public void stop() {
    context.close();
    way.close();
  }
}
