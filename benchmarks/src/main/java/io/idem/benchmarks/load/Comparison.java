package io.idem.benchmarks.load;

import java.util.function.Supplier;

/**
 * One thing done by hand and with Idem.
 *
 * @param backend the server
 * @param name what is done
 * @param byHand what it is by hand, in a few words
 * @param target the ratio that Idem promises at eight threads; zero for none
 * @param keysPerCall how many keys one call handles
 * @param floor a new caller that does it by hand
 * @param idem a new caller that does it with Idem
 */
public record Comparison(
    String backend,
    String name,
    String byHand,
    double target,
    int keysPerCall,
    Supplier<Caller> floor,
    Supplier<Caller> idem) {}
