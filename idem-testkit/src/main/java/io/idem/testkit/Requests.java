package io.idem.testkit;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import java.time.Duration;
import java.util.UUID;

/** Claims as the tests make them: a new id each, a lease of a minute, a retention of a day. */
public final class Requests {

  /** How long the leases of these claims hold. */
  public static final Duration LEASE = Duration.ofMinutes(1);

  /** How long the outcomes of these claims are kept. */
  public static final Duration RETENTION = Duration.ofDays(1);

  private Requests() {}

  /**
   * A key that nobody has.
   *
   * @return a random id
   */
  public static RecordId newId() {
    UUID random = UUID.randomUUID();
    return new RecordId(random.getMostSignificantBits(), random.getLeastSignificantBits());
  }

  /**
   * A token that nobody has.
   *
   * @return a random token
   */
  public static OwnerToken newToken() {
    UUID random = UUID.randomUUID();
    return new OwnerToken(random.getMostSignificantBits(), random.getLeastSignificantBits());
  }

  /**
   * A claim of a key under a token of its own. Every claim of one key made here has the same
   * fingerprint, and reports an abandoned record.
   *
   * @param id the key
   * @return the request
   */
  public static ClaimRequest claimOf(RecordId id) {
    return new ClaimRequest(
        id,
        new RecordLabel("test", "pay", "alice", id.toString()),
        Fingerprint.of("request"),
        newToken(),
        LEASE,
        RETENTION,
        false);
  }

  /**
   * The same claim of another caller, which takes an abandoned record over.
   *
   * @param id the key
   * @return the request
   */
  public static ClaimRequest takeOverOf(RecordId id) {
    return claimOf(id).withTakeOver(true);
  }

  /**
   * The same claim for another request.
   *
   * @param request the claim
   * @param fingerprint the digest of the other request
   * @return a copy
   */
  public static ClaimRequest with(ClaimRequest request, Fingerprint fingerprint) {
    return new ClaimRequest(
        request.id(),
        request.label(),
        fingerprint,
        request.token(),
        request.leaseFor(),
        request.retention(),
        request.takeOver());
  }

  /**
   * The same claim with other readable parts.
   *
   * @param request the claim
   * @param label the other parts
   * @return a copy
   */
  public static ClaimRequest with(ClaimRequest request, RecordLabel label) {
    return new ClaimRequest(
        request.id(),
        label,
        request.fingerprint(),
        request.token(),
        request.leaseFor(),
        request.retention(),
        request.takeOver());
  }

  /**
   * The same claim for other times.
   *
   * @param request the claim
   * @param leaseFor how long its lease holds
   * @param retention how long its outcome is kept
   * @return a copy
   */
  public static ClaimRequest with(ClaimRequest request, Duration leaseFor, Duration retention) {
    return new ClaimRequest(
        request.id(),
        request.label(),
        request.fingerprint(),
        request.token(),
        leaseFor,
        retention,
        request.takeOver());
  }

  /**
   * The same claim under another token.
   *
   * @param request the claim
   * @param token the mark it is to own the key under
   * @return a copy
   */
  public static ClaimRequest with(ClaimRequest request, OwnerToken token) {
    return new ClaimRequest(
        request.id(),
        request.label(),
        request.fingerprint(),
        token,
        request.leaseFor(),
        request.retention(),
        request.takeOver());
  }
}
