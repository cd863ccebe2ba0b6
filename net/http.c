#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/secret.h>
#include <base/strbuf.h>

void
http_header_add (struct http_headers *headers, const char *name,
                 const char *value)
{
  struct http_header header = {xstrdup (name), xstrdup (value)};

  http_headers_push (headers, header);
}

const char *
http_header_get (const struct http_headers *headers, const char *name)
{
  for (size_t i = 0; i < headers->len; i++)
    if (strcasecmp (headers->ptr[i].name, name) == 0)
      return headers->ptr[i].value;
  return NULL;
}

void
http_headers_free_all (struct http_headers *headers)
{
  for (size_t i = 0; i < headers->len; i++) {
    free (headers->ptr[i].name);
    wipe (headers->ptr[i].value, strlen (headers->ptr[i].value));
    free (headers->ptr[i].value);
  }
  http_headers_release (headers);
}

static bool
is_token (const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (text[i] <= ' ' || text[i] >= 0x7f ||
        strchr ("()<>@,;:\\\"/[]?={}", text[i]))
      return false;
  return len > 0;
}

int
http_header_line (struct http_headers *headers, const char *line, size_t len)
{
  const char *colon;
  struct http_header header;

  if (len >= 5 && memcmp (line, "HTTP/", 5) == 0) {
    http_headers_free_all (headers);
    return 0;
  }
  while (len && (line[len - 1] == '\r' || line[len - 1] == '\n' ||
                 line[len - 1] == ' ' || line[len - 1] == '\t'))
    len--;
  colon = len ? memchr (line, ':', len) : NULL;
  if (colon == NULL || !is_token (line, (size_t)(colon - line)) ||
      memchr (line, '\0', len))
    return 0;
  if (headers->len >= HTTP_MAX_HEADERS)
    return -1;
  header.name = xstrndup (line, (size_t)(colon - line));
  len -= (size_t)(colon + 1 - line);
  line = colon + 1;
  for (; len && (*line == ' ' || *line == '\t'); len--)
    line++;
  header.value = xstrndup (line, len);
  http_headers_push (headers, header);
  return 0;
}

static void
copy_headers (struct http_headers *to, const struct http_headers *from)
{
  for (size_t i = 0; i < from->len; i++)
    http_header_add (to, from->ptr[i].name, from->ptr[i].value);
}

static char *
copy_text (const char *text)
{
  return text ? xstrdup (text) : NULL;
}

/* One byte more than it says: bodies are terminated. */
static char *
copy_body (const char *body, size_t len)
{
  char *copy = xmalloc (len + 1);

  if (len)
    memcpy (copy, body, len);
  copy[len] = '\0';
  return copy;
}

struct http_request *
http_request_copy (const struct http_request *req)
{
  struct http_request *copy = xmemdup (req, sizeof *req);

  copy->headers = (struct http_headers)VEC_EMPTY;
  copy_headers (&copy->headers, &req->headers);
  copy->method = copy_text (req->method);
  copy->url = copy_text (req->url);
  copy->body = req->body ? copy_body (req->body, req->body_len) : NULL;
  copy->sign_service = copy_text (req->sign_service);
  copy->sign_region = copy_text (req->sign_region);
  copy->audience = copy_text (req->audience);
  return copy;
}

void
http_reply_copy (struct http_reply *to, const struct http_reply *from)
{
  memset (to, 0, sizeof *to);
  to->status = from->status;
  copy_headers (&to->headers, &from->headers);
  to->body = copy_body (from->body, from->body_len);
  to->body_len = from->body_len;
}

bool
http_reply_is_page (const struct http_reply *reply)
{
  const char *p = reply->body + strspn (reply->body, " \t\r\n");
  const char *type = http_header_get (&reply->headers, "Content-Type");

  return strncasecmp (p, "<!doctype html", 14) == 0 ||
         strncasecmp (p, "<html", 5) == 0 ||
         (type && strncasecmp (type, "text/html", 9) == 0);
}

void
http_reply_set_body (struct http_reply *reply, const char *body, size_t len)
{
  char *copy = copy_body (body, len); /* body may be part of the old one */

  if (reply->body)
    wipe (reply->body, reply->body_len);
  free (reply->body);
  reply->body = copy;
  reply->body_len = len;
}

void
http_request_release (struct http_request *req)
{
  free (req->method);
  free (req->url);
  http_headers_free_all (&req->headers);
  if (req->body)
    wipe (req->body, req->body_len);
  free (req->body);
  free (req->sign_service);
  free (req->sign_region);
  free (req->audience);
  memset (req, 0, sizeof *req);
}

void
http_reply_release (struct http_reply *reply)
{
  http_headers_free_all (&reply->headers);
  if (reply->body)
    wipe (reply->body, reply->body_len);
  free (reply->body);
  memset (reply, 0, sizeof *reply);
}

void
http_percent_encode (struct strbuf *sb, const char *text)
{
  static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-._~";

  for (const char *p = text; *p; p++)
    if (strchr (unreserved, *p))
      strbuf_addch (sb, *p);
    else
      strbuf_addf (sb, "%%%02X", (unsigned char)*p);
}

void
http_form_add (struct strbuf *form, const char *name, const char *value)
{
  if (form->len)
    strbuf_addch (form, '&');
  http_percent_encode (form, name);
  strbuf_addch (form, '=');
  http_percent_encode (form, value);
}

static int64_t
item_number (const char *list, const char *item)
{
  size_t len = strlen (item);

  while (*list) {
    list += strspn (list, " ,");
    if (strncasecmp (list, item, len) == 0 && list[len] == ';') {
      list += len;
      break;
    }
    list += strcspn (list, ",");
  }
  if (*list != ';' || list[1] < '0' || list[1] > '9')
    return -1;
  return strtoll (list + 1, NULL, 10);
}

int64_t
http_header_number (const struct http_header *header, const char *name,
                    const char *item)
{
  const char *value = header->value;

  if (name == NULL || strcasecmp (header->name, name) != 0)
    return -1;
  if (item)
    return item_number (value, item);
  return *value < '0' || *value > '9' ? -1 : strtoll (value, NULL, 10);
}
