package io.idem.spring;

import org.springframework.web.util.HtmlUtils;

/**
 * A hidden field of a form that holds a token.
 *
 * @param name the field's name
 * @param value the token
 */
public record TokenField(String name, String value) {

  /**
   * The field as HTML.
   *
   * @return an {@code input} element, escaped
   */
  public String toHtml() {
    return "<input type=\"hidden\" name=\""
        + HtmlUtils.htmlEscape(name)
        + "\" value=\""
        + HtmlUtils.htmlEscape(value)
        + "\">";
  }

  /** The name; the token stays out of logs. */
  @Override
  public String toString() {
    return "TokenField[" + name + "]";
  }
}
