#include "play.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <net/http.h>

void
play_init (struct play *p)
{
  memset (p, 0, sizeof *p);
  p->binding.provider = &azure_provider;
  p->binding.account = xstrdup ("00000000-0000-0000-0000-000000000001");
  p->binding.region = xstrdup ("");
  p->binding.config = json_object ();
}

static void
forget (struct play *p)
{
  json_decref (p->out);
  err_free (p->err);
  free (p->sent);
  p->out = NULL;
  p->err = NULL;
  p->sent = NULL;
  p->waited_ms = 0;
  p->requests = 0;
}

void
play_release (struct play *p)
{
  forget (p);
  free (p->binding.account);
  free (p->binding.region);
  json_decref (p->binding.config);
}

static void
add_headers (struct http_reply *reply, const char *text)
{
  while (text && *text) {
    size_t len = strcspn (text, "\n");

    CU_ASSERT_EQUAL (http_header_line (&reply->headers, text, len), 0);
    text += len + (text[len] != '\0');
  }
}

static void
make_reply (struct http_reply *reply, const struct play_reply *from)
{
  CLEANUP_FREE char *body = quoted (from->body ? from->body : "");

  reply->status = from->status;
  add_headers (reply, from->headers);
  http_reply_set_body (reply, body, strlen (body));
}

static void
join (json_t *all, const json_t *part)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)part, key, value)
  {
    json_t *known = json_object_get (all, key);

    if (json_is_array (known) && json_is_array (value))
      json_array_extend (known, value);
    else if (strcmp (key, "next") != 0 && strcmp (key, "after_ms") != 0)
      json_object_set (all, key, value);
  }
}

/* true: there is another part. */
static bool
step (struct play *p, enum op_id op, json_t *in, const struct play_reply *from,
      struct strbuf *sent)
{
  const struct provider_op *row = &azure_provider.ops[op];
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  CLEANUP_JSON json_t *out = NULL;
  bool more;

  if (row->build (&p->binding, in, &req, &p->err) == -1)
    return false;
  p->requests++;
  strbuf_addf (sent, "%s %s\n%s%s", req.method, req.url,
               req.body ? req.body : "", req.body ? "\n" : "");
  make_reply (&reply, from);
  if (row->parse (&p->binding, in, &reply, &out, &p->err) == -1)
    return false;
  p->waited_ms += json_int (out, "after_ms", 0);
  join (p->out, out);
  more = json_object_get (out, "next") != NULL;
  if (more)
    json_object_set (in, "page", json_object_get (out, "next"));
  return more;
}

void
play (struct play *p, enum op_id op, const char *in,
      const struct play_reply *replies, size_t n)
{
  CLEANUP_JSON json_t *asked = quoted_json (in);
  CLEANUP_STRBUF struct strbuf sent = STRBUF_EMPTY;
  bool more = true;

  forget (p);
  p->out = json_object ();
  strbuf_addstr (&sent, "");
  for (size_t i = 0; i < n && more; i++)
    more = step (p, op, asked, &replies[i], &sent);
  if (more)
    fprintf (stderr, "it asks for more than %zu replies: %s\n", n, sent.buf);
  CU_ASSERT_FALSE (more);
  if (!p->err)
    CU_ASSERT_EQUAL (p->requests, n);
  if (p->err) {
    json_decref (p->out);
    p->out = NULL;
  }
  p->sent = strbuf_take (&sent);
}
