package io.idem.http;

/**
 * One line of a header.
 *
 * @param name its name, as it was written
 * @param value its value
 */
public record HeaderField(String name, String value) {}
