#include "http.h"

#include <string.h>
#include <strings.h>

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
    free (headers->ptr[i].value);
  }
  http_headers_release (headers);
}

void
http_request_release (struct http_request *req)
{
  free (req->method);
  free (req->url);
  http_headers_free_all (&req->headers);
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
