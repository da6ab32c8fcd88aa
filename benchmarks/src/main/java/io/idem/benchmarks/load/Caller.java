package io.idem.benchmarks.load;

/** One thread's work, called again and again. It has what it needs, a connection for example. */
@FunctionalInterface
public interface Caller {

  /** Does it once more. */
  void call() throws Exception;
}
