package io.idem.core;

import io.idem.core.internal.Durations;
import io.idem.core.internal.Unicode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Issues and checks operation tokens: idempotency keys that the service makes for clients that
 * cannot make their own, such as HTML forms.
 *
 * <p>A token carries a fresh key and is bound by a signature (HMAC-SHA256, RFC 2104) to an
 * operation, a subject and an expiry. Issuing one writes nothing: what has to be known is in the
 * token. It shows neither the operation nor the subject.
 *
 * <p><b>A token never outlives the retention of its operation.</b> It is accepted for at most the
 * retention less the {@linkplain Builder#clockSkew clock skew} after its issue, and a record is
 * kept for the retention after the completion of a run, which is not before the issue. So while a
 * used token is accepted there is a record of its use, as long as no two nodes' clocks differ by
 * more than the clock skew. The bound is computed anew with each check: tokens that were issued
 * before the retention was shortened are held to the shorter one.
 *
 * <p>A token says who may use which key once. It proves neither that the caller is authenticated
 * nor that the request is intended, and replaces no protection against cross-site requests.
 *
 * <p>Immutable and thread-safe.
 */
public final class OperationTokens {

  // A token is the prefix and the base64url form, without padding, of
  //   length of the key id (1) | key id | expiry in ms since 1970 (8) | UUIDv7 (16)
  //   | tag of the operation (16) | tag of the subject (16) | signature (32)
  // The tags are keyed digests over the UUID as well, so they can be compared and not read, and
  // those of two tokens tell nothing of each other. The signature is over the prefix and all before
  // it. The first byte of what is digested keeps the three apart.

  /** What every token starts with. */
  public static final String PREFIX = "idt1.";

  /** The most characters of a token. A longer text is refused before it is looked at. */
  public static final int MAX_LENGTH = 145;

  /** The least bytes of a secret: those of the signature (RFC 2104, section 3). */
  public static final int MIN_SECRET_BYTES = 32;

  private static final int MAX_KEY_ID_LENGTH = 16;
  private static final int TAG_BYTES = 16;
  private static final int SIGNATURE_BYTES = 32;
  private static final int BYTES_BESIDE_KEY_ID =
      1 + Long.BYTES + 2 * Long.BYTES + 2 * TAG_BYTES + SIGNATURE_BYTES;

  private static final byte SIGNATURE = 0;
  private static final byte OPERATION = 1;
  private static final byte CALLER = 2;
  private static final byte ANYBODY = 3;

  private static final String ALGORITHM = "HmacSHA256";
  private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

  private final Map<String, SecretKeySpec> keys;
  private final String signingKeyId;
  private final boolean ofThisProcess;
  private final String namespace;
  private final Duration clockSkew;
  private final InstantSource clock;
  private final SecureRandom random;

  private OperationTokens(Builder builder, Map<String, SecretKeySpec> keys, String signingKeyId) {
    this.keys = keys;
    this.signingKeyId = signingKeyId;
    this.ofThisProcess = builder.keys.isEmpty();
    this.namespace = builder.namespace;
    this.clockSkew = builder.clockSkew;
    this.clock = builder.clock;
    this.random = builder.random;
  }

  /**
   * Starts the settings.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Whether a text presents itself as a token, genuine or not. Nothing else of it is looked at.
   *
   * @param text what a client sent
   * @return true if it starts with the {@link #PREFIX}
   */
  public static boolean looksLikeOne(String text) {
    return text.startsWith(PREFIX);
  }

  /**
   * Whether no key was set, so that the key was made by and for this process: no other node accepts
   * its tokens, and a restart makes them worthless.
   *
   * @return true if so
   */
  public boolean isOfThisProcess() {
    return ofThisProcess;
  }

  /**
   * The longest time for which a token of an operation can be valid.
   *
   * @param operation the operation
   * @return its retention less the clock skew; negative or zero if no token can be issued
   */
  public Duration longestValidity(Operation<?> operation) {
    return operation.retention().minus(clockSkew);
  }

  /**
   * Issues a token. Writes nothing.
   *
   * @param operation what it may be used for
   * @param subject whom it is for
   * @param validFor how long, at least one millisecond, which is also its precision
   * @return the token
   * @throws IllegalArgumentException if it would be valid for longer than {@link #longestValidity}
   */
  public IssuedToken issue(Operation<?> operation, TokenSubject subject, Duration validFor) {
    if (validFor.compareTo(Duration.ofMillis(1)) < 0
        || validFor.compareTo(longestValidity(operation)) > 0) {
      throw new IllegalArgumentException(
          "A token of operation '"
              + operation.name()
              + "' is valid for at least 1 ms and at most "
              + longestValidity(operation)
              + ", the operation's retention less the clock skew; found "
              + validFor);
    }
    long now = clock.millis();
    long expiry = now + validFor.toMillis();
    UUID nonce = uuid7(now);
    SecretKeySpec secret = secret(signingKeyId);
    byte[] keyId = signingKeyId.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer token = ByteBuffer.allocate(BYTES_BESIDE_KEY_ID + keyId.length);
    token.put((byte) keyId.length).put(keyId).putLong(expiry);
    token.putLong(nonce.getMostSignificantBits()).putLong(nonce.getLeastSignificantBits());
    token.put(operationTag(secret, nonce, operation)).put(subjectTag(secret, nonce, subject));
    token.put(signature(secret, token.array(), token.position()));
    return new IssuedToken(
        PREFIX + ENCODER.encodeToString(token.array()), Instant.ofEpochMilli(expiry));
  }

  /**
   * Checks a token. Asks nothing but the clock.
   *
   * @param text what a client sent
   * @param operation what it is to be used for
   * @param subject who wants to use it
   * @return the key that it carries, or why it cannot be used
   */
  public TokenCheck check(String text, Operation<?> operation, TokenSubject subject) {
    byte[] bytes = decoded(text);
    if (bytes == null) {
      return refused(TokenCheck.Reason.MALFORMED);
    }
    ByteBuffer token = ByteBuffer.wrap(bytes);
    int keyIdLength = token.get();
    if (keyIdLength < 1 || bytes.length != BYTES_BESIDE_KEY_ID + keyIdLength) {
      return refused(TokenCheck.Reason.MALFORMED);
    }
    SecretKeySpec secret =
        keys.get(new String(take(token, keyIdLength), StandardCharsets.ISO_8859_1));
    if (secret == null) {
      return refused(TokenCheck.Reason.UNKNOWN_KEY);
    }
    Instant expiry = Instant.ofEpochMilli(token.getLong());
    UUID nonce = new UUID(token.getLong(), token.getLong());
    byte[] operationTag = take(token, TAG_BYTES);
    byte[] subjectTag = take(token, TAG_BYTES);
    byte[] signature = signature(secret, bytes, token.position());
    if (!MessageDigest.isEqual(signature, take(token, SIGNATURE_BYTES))) {
      return refused(TokenCheck.Reason.FORGED);
    }
    if (!MessageDigest.isEqual(operationTag, operationTag(secret, nonce, operation))) {
      return refused(TokenCheck.Reason.OTHER_OPERATION);
    }
    if (!MessageDigest.isEqual(subjectTag, subjectTag(secret, nonce, subject))) {
      return refused(TokenCheck.Reason.OTHER_SUBJECT);
    }
    return checkTime(operation, nonce, expiry);
  }

  private TokenCheck checkTime(Operation<?> operation, UUID nonce, Instant expiry) {
    Instant now = clock.instant();
    Instant issuedAt = Instant.ofEpochMilli(nonce.getMostSignificantBits() >>> 16);
    if (issuedAt.isAfter(now.plus(clockSkew))) {
      return refused(TokenCheck.Reason.FROM_THE_FUTURE);
    }
    Instant latest = issuedAt.plus(longestValidity(operation));
    Instant end = expiry.isBefore(latest) ? expiry : latest;
    return now.isBefore(end)
        ? new TokenCheck.Valid(nonce.toString(), issuedAt, end)
        : refused(TokenCheck.Reason.EXPIRED);
  }

  private static TokenCheck refused(TokenCheck.Reason reason) {
    return new TokenCheck.Refused(reason);
  }

  /** The bytes, or null for what no token looks like. Each token has one spelling. */
  private static byte @Nullable [] decoded(String text) {
    if (text.length() > MAX_LENGTH || !looksLikeOne(text)) {
      return null;
    }
    String encoded = text.substring(PREFIX.length());
    try {
      byte[] bytes = Base64.getUrlDecoder().decode(encoded);
      return bytes.length > BYTES_BESIDE_KEY_ID && ENCODER.encodeToString(bytes).equals(encoded)
          ? bytes
          : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static byte[] take(ByteBuffer token, int length) {
    byte[] taken = new byte[length];
    token.get(taken);
    return taken;
  }

  private SecretKeySpec secret(String keyId) {
    SecretKeySpec secret = keys.get(keyId);
    if (secret == null) {
      throw new IllegalStateException("The builder has checked that the signing key is there");
    }
    return secret;
  }

  /** Version 7 (RFC 9562, section 5.7): 48 bits of time, 74 of chance. */
  private UUID uuid7(long millis) {
    byte[] chance = new byte[2 * Long.BYTES];
    random.nextBytes(chance);
    ByteBuffer bits = ByteBuffer.wrap(chance);
    return new UUID(
        millis << 16 | 0x7000L | (bits.getLong() & 0x0FFFL),
        (bits.getLong() & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L);
  }

  private byte[] operationTag(SecretKeySpec secret, UUID nonce, Operation<?> operation) {
    return tag(secret, OPERATION, nonce, namespace, operation.name());
  }

  private static byte[] subjectTag(SecretKeySpec secret, UUID nonce, TokenSubject subject) {
    return subject
        .name()
        .map(caller -> tag(secret, CALLER, nonce, caller))
        .orElseGet(() -> tag(secret, ANYBODY, nonce));
  }

  private static byte[] tag(SecretKeySpec secret, byte purpose, UUID nonce, String... parts) {
    Mac mac = mac(secret, purpose);
    mac.update(longs(nonce.getMostSignificantBits(), nonce.getLeastSignificantBits()));
    for (String part : parts) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      mac.update(longs(bytes.length));
      mac.update(bytes);
    }
    return Arrays.copyOf(mac.doFinal(), TAG_BYTES);
  }

  private static byte[] signature(SecretKeySpec secret, byte[] token, int length) {
    Mac mac = mac(secret, SIGNATURE);
    mac.update(PREFIX.getBytes(StandardCharsets.US_ASCII));
    mac.update(token, 0, length);
    return mac.doFinal();
  }

  private static Mac mac(SecretKeySpec secret, byte purpose) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(secret);
      mac.update(purpose);
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
    }
  }

  private static byte[] longs(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Long.BYTES);
    for (long value : values) {
      bytes.putLong(value);
    }
    return bytes.array();
  }

  /** The ids of the keys, never the secrets. */
  @Override
  public String toString() {
    return "OperationTokens[keys=" + keys.keySet() + ", signWith=" + signingKeyId + "]";
  }

  /** Collects the settings. Every setting has a default. Not thread-safe. */
  public static final class Builder {

    private final Map<String, SecretKeySpec> keys = new LinkedHashMap<>();
    private final SecureRandom random = new SecureRandom();
    private @Nullable String signingKeyId;
    private String namespace = "";
    private Duration clockSkew = Duration.ofMinutes(5);
    private InstantSource clock = InstantSource.system();

    private Builder() {}

    /**
     * Adds a key. All of them verify; one of them {@linkplain #signWith signs}. Without any, one is
     * made for this process alone.
     *
     * <p>To rotate, give the new key to all nodes, then let all sign with it, and take the old one
     * away once the last token that it signed has expired.
     *
     * @param id the key's name, which every token shows: 1 to 16 letters, digits, hyphens, dots and
     *     underscores of ASCII
     * @param secret at least {@value OperationTokens#MIN_SECRET_BYTES} bytes from a source of
     *     chance, the same on all nodes; copied
     * @return this
     * @throws IllegalArgumentException if the id is none or was added before, or the secret is too
     *     short
     */
    public Builder key(String id, byte[] secret) {
      if (!isKeyId(id)) {
        throw new IllegalArgumentException(
            "The id of a signing key has 1 to "
                + MAX_KEY_ID_LENGTH
                + " letters, digits, hyphens, dots and underscores");
      }
      if (secret.length < MIN_SECRET_BYTES) {
        throw new IllegalArgumentException(
            "The secret of signing key '"
                + id
                + "' has at least "
                + MIN_SECRET_BYTES
                + " bytes, found "
                + secret.length);
      }
      if (keys.putIfAbsent(id, new SecretKeySpec(secret, ALGORITHM)) != null) {
        throw new IllegalArgumentException("There are two signing keys with the id '" + id + "'");
      }
      return this;
    }

    private static boolean isKeyId(String id) {
      boolean fits = !id.isEmpty() && id.length() <= MAX_KEY_ID_LENGTH;
      for (int i = 0; i < id.length() && fits; i++) {
        char c = id.charAt(i);
        fits = c < 128 && (Character.isLetterOrDigit(c) || c == '-' || c == '_' || c == '.');
      }
      return fits;
    }

    /**
     * The key that signs new tokens.
     *
     * @param id the id of one of the keys; by default the only one there is
     * @return this
     */
    public Builder signWith(String id) {
      this.signingKeyId = id;
      return this;
    }

    /**
     * What separates this application's tokens from those of others that have the same keys.
     *
     * @param namespace empty by default; the engine's own is customary
     * @return this
     */
    public Builder namespace(String namespace) {
      Unicode.requireWellFormed("namespace", namespace);
      this.namespace = namespace;
      return this;
    }

    /**
     * By how much the clocks of two nodes may differ. Tokens expire that much before the retention
     * of their operation would let their records go.
     *
     * @param clockSkew 5 minutes by default
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public Builder clockSkew(Duration clockSkew) {
      if (clockSkew.isNegative()) {
        throw new IllegalArgumentException("A clock skew is not negative, found " + clockSkew);
      }
      this.clockSkew = Durations.bounded(clockSkew);
      return this;
    }

    /**
     * Where the time comes from.
     *
     * @param clock the system's clock by default
     * @return this
     */
    public Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Makes the issuer.
     *
     * @return the issuer
     * @throws IllegalStateException if the signing key is not among the keys, or there are several
     *     keys and none is named to sign
     */
    public OperationTokens build() {
      Map<String, SecretKeySpec> all = new LinkedHashMap<>(keys);
      if (all.isEmpty() && signingKeyId == null) {
        byte[] secret = new byte[MIN_SECRET_BYTES];
        random.nextBytes(secret);
        // Of chance as well, so that another node's tokens are told from forged ones.
        byte[] id = new byte[9];
        random.nextBytes(id);
        all.put(ENCODER.encodeToString(id), new SecretKeySpec(secret, ALGORITHM));
      }
      String signing = signingKeyId;
      if (signing == null && all.size() == 1) {
        signing = all.keySet().iterator().next();
      }
      if (signing == null || !all.containsKey(signing)) {
        throw new IllegalStateException(
            (signing == null
                    ? "There are several signing keys, and none is named to sign"
                    : "The key that is to sign is not among the signing keys")
                + "; there are "
                + all.keySet());
      }
      return new OperationTokens(this, Map.copyOf(all), signing);
    }
  }
}
