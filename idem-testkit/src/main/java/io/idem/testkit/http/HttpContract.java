package io.idem.testkit.http;

/**
 * What a protected endpoint promises its clients, whatever framework, store and mode are behind it.
 * The numbers in the names of the cases are those of {@code docs/http.md}.
 *
 * <p>An adapter to a framework starts an application that exposes a {@link ContractScript} at every
 * {@link EndpointProfile}, sends what it is told by {@link ContractScript#refusal} in front of the
 * protection, issues tokens at {@code /idempotency/tokens}, renders error pages of which no two are
 * the same, compresses texts of some length if the client accepts {@code gzip}, and passes every
 * case; there is none to skip:
 *
 * <pre>{@code
 * class MyAdapterTest extends LeasedHttpContract {
 *
 *   @Override
 *   protected HttpContractServer start(ContractScript script) {
 *     return new MyServer(script);
 *   }
 * }
 * }</pre>
 *
 * <p>What depends on the mode stands in {@link TransactionalHttpContract} and {@link
 * LeasedHttpContract}; every adapter passes one of them. The cases speak HTTP over sockets and
 * share one server and two nodes beside it, of which one has other {@link NodeSettings}.
 */
public abstract class HttpContract extends OperationCases {

  /** For subclasses. */
  HttpContract() {}
}
