package io.idem.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.interop.Arrivals.Arrival;
import io.idem.testkit.TcpProxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.RESTException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The REST catalog of {@code iceberg-core} as it is published, against a service of a dialect that
 * an application wrote.
 */
class IcebergCoreTest {

  private static final long BOUND_SECONDS = 30;

  private static Service service;
  private static ExecutorService others;

  private final String name = "n" + UUID.randomUUID().toString().replace("-", "");
  private final Namespace namespace = Namespace.of(name);

  @BeforeAll
  static void start() {
    service = Service.start(IcebergService.class, "idem.http.dialect=iceberg");
    others = Executors.newCachedThreadPool();
  }

  @AfterAll
  static void stop() {
    others.shutdownNow();
    service.close();
  }

  @BeforeEach
  void clear() {
    service.arrivals().clear();
  }

  @Test
  void p34_aPublishedLifetimeHasTheClientSendKeys() throws Exception {
    try (RESTCatalog catalog = catalog(service.port(), Map.of())) {
      catalog.createNamespace(namespace);
    }
    Arrival arrival = service.arrivals().all().get(0);
    assertThat(service.arrivals().all()).hasSize(1);
    assertThat(UUID.fromString(arrival.key()).version()).isEqualTo(7);
    assertThat(arrival.replayed()).isFalse();
    assertThat(service.desk().runs(name)).isEqualTo(1);
  }

  @Test
  void p34_anAnswerThatIsLostAtAGatewayIsReplayed() throws Exception {
    service.arrivals().loseNextAnswer();

    try (RESTCatalog catalog = catalog(service.port(), Map.of())) {
      catalog.createNamespace(namespace);
    }

    assertOneRunOneReplay(503);
  }

  @Test
  void p34_aTableIsCreatedOnceAndItsReplayIsRead() throws Exception {
    TableIdentifier id = TableIdentifier.of(namespace, "orders");
    Schema schema = new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    try (RESTCatalog catalog = catalog(service.port(), Map.of())) {
      catalog.createNamespace(namespace);
      service.arrivals().clear();
      service.arrivals().loseNextAnswer();

      Table table = catalog.createTable(id, schema);

      assertThat(table.schema().sameSchema(schema)).isTrue();
    }
    List<Arrival> attempts = service.arrivals().all();
    assertThat(attempts.stream().map(Arrival::status)).containsExactly(503, 200);
    assertThat(attempts.get(1).replayed()).isTrue();
    assertThat(service.desk().runs(name + ".orders")).isEqualTo(1);
  }

  /** It sends a request with a key again when its connection ends without an answer. */
  @Test
  void p34_aDroppedConnectionIsMendedByTheSameKey() throws Exception {
    Desk.Held held = service.desk().hold(name);
    try (TcpProxy proxy = TcpProxy.to("127.0.0.1", service.port());
        RESTCatalog catalog = catalog(proxy.port(), Map.of())) {
      Future<?> created = others.submit(() -> catalog.createNamespace(namespace));
      held.awaitRun();
      proxy.drop();
      service.arrivals().awaitAnswer(503);
      held.letGo();
      created.get(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    List<Arrival> attempts = service.arrivals().all();
    assertThat(attempts.stream().map(Arrival::key).distinct()).hasSize(1);
    assertThat(attempts.get(attempts.size() - 1).replayed()).isTrue();
    assertThat(service.desk().runs(name)).isEqualTo(1);
  }

  /** It gives up after a timeout: its application is told, and looks the namespace up. */
  @Test
  void p34_aTimeoutLeavesOneEffect() throws Exception {
    Desk.Held held = service.desk().hold(name);
    try (RESTCatalog catalog =
        catalog(service.port(), Map.of("rest.client.socket-timeout-ms", "1500"))) {
      assertThatThrownBy(() -> catalog.createNamespace(namespace))
          .isInstanceOf(RESTException.class);
    }
    held.letGo();
    service.arrivals().awaitAnswer(200);
    try (RESTCatalog catalog = catalog(service.port(), Map.of())) {
      assertThatThrownBy(() -> catalog.createNamespace(namespace))
          .isInstanceOf(AlreadyExistsException.class);
    }
    assertThat(service.arrivals().all().stream().map(Arrival::key).distinct()).hasSize(2);
  }

  @Test
  void p34_aConflictOfTheCatalogIsAnOutcomeAndReplayed() throws Exception {
    try (RESTCatalog catalog = catalog(service.port(), Map.of())) {
      catalog.createNamespace(namespace);
      service.arrivals().clear();
      service.arrivals().loseNextAnswer();

      assertThatThrownBy(() -> catalog.createNamespace(namespace))
          .isInstanceOf(AlreadyExistsException.class);
    }
    List<Arrival> attempts = service.arrivals().all();
    assertThat(attempts.stream().map(Arrival::status)).containsExactly(503, 409);
    assertThat(attempts.get(1).replayed()).isTrue();
    assertThat(service.desk().runs(name)).isEqualTo(2);
  }

  /** A client with keys of its own making: no lifetime is published, so none are made for it. */
  @Test
  void p34_aReusedKeyIsRefusedForGood() throws Exception {
    String key = UUID.randomUUID().toString();
    Map<String, String> keyed =
        Map.of("warehouse", IcebergService.SILENT, "header.Idempotency-Key", key);
    try (RESTCatalog catalog = catalog(service.port(), keyed)) {
      catalog.createNamespace(namespace);
      service.arrivals().clear();

      assertThatThrownBy(() -> catalog.createNamespace(Namespace.of(name + "2")))
          .isInstanceOf(RESTException.class)
          .hasMessageContaining("Unable to process")
          .hasMessageContaining("different request");
    }
    assertThat(service.arrivals().all())
        .containsExactly(new Arrival("/v1/namespaces", key, 422, false));
    assertThat(service.desk().runs(name + "2")).isZero();
  }

  @Test
  void p34_withoutAKeyNothingIsDone() throws Exception {
    try (RESTCatalog catalog =
        catalog(service.port(), Map.of("warehouse", IcebergService.SILENT))) {
      assertThatThrownBy(() -> catalog.createNamespace(namespace))
          .hasMessageContaining("Idempotency-Key");
    }
    assertThat(service.desk().runs(name)).isZero();
  }

  private void assertOneRunOneReplay(int lost) {
    List<Arrival> attempts = service.arrivals().all();
    assertThat(attempts.stream().map(Arrival::status)).containsExactly(lost, 200);
    assertThat(attempts.stream().map(Arrival::key).distinct()).hasSize(1);
    assertThat(attempts.get(1).replayed()).isTrue();
    assertThat(service.desk().runs(name)).isEqualTo(1);
  }

  private static RESTCatalog catalog(int port, Map<String, String> more) {
    Map<String, String> properties = new HashMap<>();
    properties.put("uri", "http://127.0.0.1:" + port);
    properties.put("io-impl", "org.apache.iceberg.inmemory.InMemoryFileIO");
    properties.put("rest.auth.type", "basic");
    properties.put("rest.auth.basic.username", "alice");
    properties.put("rest.auth.basic.password", "secret");
    properties.putAll(more);
    RESTCatalog catalog = new RESTCatalog();
    catalog.initialize("client", properties);
    return catalog;
  }
}
