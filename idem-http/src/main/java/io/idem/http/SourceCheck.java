package io.idem.http;

/**
 * Whether a caller may send operations of a source: the system that numbers them. Thread-safe.
 *
 * <p>Without it every caller may name any source: the key belongs to the caller as well, so that
 * two callers who name the same source never meet.
 */
@FunctionalInterface
public interface SourceCheck {

  /**
   * Asked for each request, before anything is looked up.
   *
   * @param caller the authenticated caller
   * @param source what the request says of its source
   * @return false to refuse the request with {@link ProblemType#SOURCE_FOREIGN}
   */
  boolean maySend(String caller, String source);

  /**
   * Every caller may name any source.
   *
   * @return the check
   */
  static SourceCheck any() {
    return AnySource.INSTANCE;
  }
}
