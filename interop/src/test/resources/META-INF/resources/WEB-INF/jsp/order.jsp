<%@ page contentType="text/html;charset=UTF-8" %>
<%@ taglib prefix="spring" uri="http://www.springframework.org/tags" %>
<%@ taglib prefix="form" uri="http://www.springframework.org/tags/form" %>
<!DOCTYPE html>
<html>
<body>
<form:form method="post" action="/orders">
  <spring:eval expression="@idempotencyTokens.field('orders.create').toHtml()" htmlEscape="false"/>
  <input name="item">
  <button>Order</button>
</form:form>
</body>
</html>
