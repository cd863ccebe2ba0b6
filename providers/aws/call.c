#include "call.h"

#include <string.h>

#include <base/text.h>
#include <providers/xml.h>

#include "endpoint.h"
#include "errors.h"

char *
aws_url (const struct binding *b, const char *service)
{
  const char *endpoint = json_str (b->config, "endpoint", "");
  size_t len = strlen (endpoint);

  if (len == 0)
    return aws_endpoint (service, b->region);
  return xasprintf ("%s%s", endpoint, endpoint[len - 1] == '/' ? "" : "/");
}

bool
aws_is_id (const char *text, const char *prefix)
{
  size_t len = strlen (prefix), digits;

  if (strncmp (text, prefix, len) != 0)
    return false;
  digits = strspn (text + len, "0123456789abcdef");
  return text[len + digits] == '\0' && (digits == 8 || digits == 17);
}

/* --- requests ------------------------------------------------------------ */

void
aws_form (struct strbuf *form, const char *value, const char *name, ...)
{
  CLEANUP_FREE char *full = NULL;
  va_list args;

  if (value == NULL || *value == '\0')
    return;
  va_start (args, name);
  full = xvasprintf (name, args);
  va_end (args);
  http_form_add (form, full, value);
}

void
aws_form_filter (struct strbuf *form, int n, const char *name,
                 const json_t *values)
{
  size_t i;
  json_t *value;

  aws_form (form, name, "Filter.%d.Name", n);
  json_array_foreach ((json_t *)values, i, value)
  {
    aws_form (form, json_string_value (value), "Filter.%d.Value.%zu", n, i + 1);
  }
}

void
aws_form_tags (struct strbuf *form, const char *type, const json_t *tags)
{
  const char *key;
  json_t *value;
  int n = 0;

  aws_form (form, type, "TagSpecification.1.ResourceType");
  json_object_foreach ((json_t *)tags, key, value)
  {
    if (!json_is_string (value) || strncmp (key, "aws:", 4) == 0)
      continue;
    n++;
    aws_form (form, key, "TagSpecification.1.Tag.%d.Key", n);
    aws_form (form, json_string_value (value),
              "TagSpecification.1.Tag.%d.Value", n);
  }
}

static const char *
version_of (const char *service)
{
  static const struct {
    const char *service, *version;
  } versions[] = {
      {"ec2", "2016-11-15"},
      {"sts", "2011-06-15"},
      {"autoscaling", "2011-01-01"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (versions); i++)
    if (strcmp (versions[i].service, service) == 0)
      return versions[i].version;
  return NULL;
}

static void
add_form_body (const struct aws_action_row *row, const json_t *in,
               struct strbuf *form, struct http_request *req)
{
  struct strbuf body = STRBUF_EMPTY;

  aws_form (&body, row->name, "Action");
  aws_form (&body, version_of (row->service), "Version");
  if (json_bool (in, "dry_run", false) && strcmp (row->service, "ec2") == 0)
    aws_form (&body, "true", "DryRun");
  if (form->len)
    strbuf_addf (&body, "&%s", form->buf);
  http_header_add (&req->headers, "Content-Type",
                   "application/x-www-form-urlencoded; charset=utf-8");
  req->body_len = body.len;
  req->body = strbuf_take (&body);
}

static void
add_json_body (const struct aws_action_row *row, struct strbuf *json,
               struct http_request *req)
{
  CLEANUP_FREE char *target = xasprintf ("TrentService.%s", row->name);

  http_header_add (&req->headers, "Content-Type", "application/x-amz-json-1.1");
  http_header_add (&req->headers, "X-Amz-Target", target);
  req->body_len = json->len;
  req->body = strbuf_take (json);
}

void
aws_request (const struct binding *b, enum aws_action action, const json_t *in,
             struct strbuf *form, struct http_request *req)
{
  const struct aws_action_row *row = &aws_actions[action];

  req->action = row->name;
  req->method = xstrdup ("POST");
  req->url = aws_url (b, row->service);
  req->sign = HTTP_SIGN_SIGV4;
  req->sign_service = xstrdup (row->service);
  req->sign_region = xstrdup (b->region);
  req->repeatable = !row->changes || json_bool (in, "dry_run", false) ||
                    (form->buf && strstr (form->buf, "ClientToken="));
  if (version_of (row->service))
    add_form_body (row, in, form, req);
  else
    add_json_body (row, form, req);
}

/* --- replies ------------------------------------------------------------- */

/* libxml2's own limit on depth (256) ends this recursion. */
static json_t *
json_of (const xmlNode *node)
{
  CLEANUP_FREE char *text = NULL;
  xmlNodePtr child = xml_first (node);
  json_t *made, *string;

  if (child == NULL) {
    text = xml_text (node);
    string = json_string (text ? text : "");
    return string ? string : json_string ("");
  }
  if (xml_is (child, "item") || xml_is (child, "member")) {
    made = json_array ();
    for (; child; child = xml_next (child))
      json_array_append_new (made, json_of (child));
    return made;
  }
  made = json_object ();
  for (; child; child = xml_next (child))
    json_object_set_new (made, (const char *)child->name, json_of (child));
  return made;
}

static json_t *
read_xml (const struct aws_action_row *row, const struct http_reply *reply,
          struct err **err)
{
  CLEANUP_FREE char *root = xasprintf ("%sResponse", row->name);
  CLEANUP_FREE char *result = xasprintf ("%sResult", row->name);
  CLEANUP_XML xmlDocPtr doc = xml_parse (reply->body, "its reply", err);
  const xmlNode *top = doc ? xmlDocGetRootElement (doc) : NULL;
  json_t *json, *inner;

  if (top == NULL)
    return NULL;
  if (!xml_is (top, root)) {
    CLEANUP_FREE char *name = text_printable ((const char *)top->name);

    err_set (err, ERR_PROTOCOL, "its reply is a <%.40s>, not a <%s>", name,
             root);
    return NULL;
  }
  json = json_of (top);
  if (!json_is_object (json)) { /* an empty document */
    json_decref (json);
    return json_object ();
  }
  inner = json_object_get (json, result);
  if (inner == NULL)
    return json;
  inner = json_is_object (inner) ? json_incref (inner) : json_object ();
  json_decref (json);
  return inner;
}

static json_t *
read_body (const struct aws_action_row *row, const struct http_reply *reply,
           struct err **err)
{
  json_t *json;

  if (strlen (reply->body) != reply->body_len) {
    err_set (err, ERR_PROTOCOL, "its reply has a zero byte");
    return NULL;
  }
  if (version_of (row->service))
    return read_xml (row, reply, err);
  json = json_parse (reply->body, reply->body_len, "its reply", err);
  if (json == NULL || json_is_object (json))
    return json;
  json_decref (json);
  err_set (err, ERR_PROTOCOL, "its reply is no JSON object");
  return NULL;
}

json_t *
aws_reply (enum aws_action action, const json_t *in,
           const struct http_reply *reply, struct err **err)
{
  const struct aws_action_row *row = &aws_actions[action];
  CLEANUP_ERR struct err *why = NULL;
  json_t *root;

  if (reply->status < 200 || reply->status > 299) {
    if (aws_error (row, reply, &why) == AWS_DRY_RUN &&
        json_bool (in, "dry_run", false))
      return json_object ();
    err_move (err, TAKE (why));
    return NULL;
  }
  root = read_body (row, reply, &why);
  if (root == NULL)
    aws_error_of_nonsense (row, reply, &why);
  err_move (err, TAKE (why));
  return root;
}
