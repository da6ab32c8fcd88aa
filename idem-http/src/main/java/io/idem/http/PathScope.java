package io.idem.http;

/** What a key is to a request for another path of the same operation. */
public enum PathScope {
  /**
   * Another operation: the path belongs to the key's identity, so that one key sent for {@code
   * /orders/1/pay} and for {@code /orders/2/pay} is two keys. Spellings of one path are one path;
   * see {@link HttpRequestHead#resource()}.
   */
  SEPARATE,
  /** A mistake of the client's: it is refused with {@link ProblemType#KEY_REUSED}. */
  MISUSE
}
