#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <base/files.h>
#include <base/json.h>
#include <base/text.h>

#include "mask.h"

/* A request on its way, already masked, and the secrets that may come back. */
struct recorded {
  uint64_t tag;
  json_t *request;
  bool whole_reply;
  struct secret *secrets[3];
};

DEFINE_VEC (struct recorded, recorded_vec);

struct record_transport {
  struct transport base;
  struct transport *below;
  int fd;
  struct err *failure;
  struct recorded_vec pending;
};

static void
recorded_release (struct recorded *r)
{
  json_decref (r->request);
  for (size_t i = 0; i < ARRAY_SIZE (r->secrets); i++)
    secret_free (r->secrets[i]);
}

static void
put_body (json_t *json, const char *body, size_t len, const struct recorded *r)
{
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  char *masked = mask_text (body, len, &text.len);
  json_t *string;

  text.buf = masked;
  text.cap = text.len + 1;
  for (size_t i = 0; i < ARRAY_SIZE (r->secrets); i++)
    mask_value (&text, r->secrets[i]);
  string = json_stringn (text.buf, text.len);
  if (string)
    json_put (json, "body", string);
  else {
    CLEANUP_FREE char *hex = hex_encode (text.buf, text.len);

    json_put_str (json, "body_hex", hex);
  }
}

static void
put_headers (json_t *json, const struct http_headers *headers,
             const struct recorded *r)
{
  json_t *array = json_array ();

  for (size_t i = 0; i < headers->len; i++) {
    const struct http_header *h = &headers->ptr[i];
    CLEANUP_STRBUF struct strbuf value = STRBUF_EMPTY;
    CLEANUP_FREE char *masked = mask_header (h->name, h->value);
    CLEANUP_FREE char *printable = NULL;

    strbuf_addstr (&value, masked);
    for (size_t j = 0; j < ARRAY_SIZE (r->secrets); j++)
      mask_value (&value, r->secrets[j]);
    printable = text_printable (value.buf);
    json_array_append_new (array, json_make ("[s, s]", h->name, printable));
  }
  json_put (json, "headers", array);
}

static void
put_masked (json_t *json, const char *key, const char *text,
            const struct recorded *r)
{
  CLEANUP_STRBUF struct strbuf value = STRBUF_EMPTY;
  CLEANUP_FREE char *masked = mask_text (text, strlen (text), NULL);

  strbuf_addstr (&value, masked);
  for (size_t i = 0; i < ARRAY_SIZE (r->secrets); i++)
    mask_value (&value, r->secrets[i]);
  json_put_str (json, key, value.buf);
}

static struct secret *
copy_secret (const struct secret *secret)
{
  return secret ? secret_new (secret->data, secret->len) : NULL;
}

static struct recorded
record_request (const struct http_request *req, const struct http_auth *auth,
                uint64_t tag)
{
  struct recorded r = {.tag = tag, .request = json_object ()};

  if (auth) {
    r.secrets[0] = copy_secret (auth->bearer);
    r.secrets[1] = copy_secret (auth->secret_key);
    r.secrets[2] = copy_secret (auth->session_token);
  }
  r.whole_reply = mask_whole_reply (req->url);
  json_put_str (r.request, "method", req->method);
  put_masked (r.request, "url", req->url, &r);
  put_headers (r.request, &req->headers, &r);
  if (req->body)
    put_body (r.request, req->body, req->body_len, &r);
  return r;
}

static int
record_submit (struct transport *t, const struct http_request *req,
               const struct http_auth *auth, uint64_t tag, struct err **err)
{
  struct record_transport *rt = (struct record_transport *)t;

  if (transport_submit (rt->below, req, auth, tag, err) == -1)
    return -1;
  if (rt->failure == NULL)
    recorded_vec_push (&rt->pending, record_request (req, auth, tag));
  return 0;
}

static json_t *
record_reply (const struct http_reply *reply, const struct recorded *r)
{
  json_t *json = json_object ();

  json_put_int (json, "status", reply->status);
  put_headers (json, &reply->headers, r);
  if (r->whole_reply)
    json_put_str (json, "body", MASKED);
  else
    put_body (json, reply->body, reply->body_len, r);
  return json;
}

static void
write_line (struct record_transport *rt, const struct recorded *r,
            const struct exchange *done)
{
  CLEANUP_JSON json_t *line =
      json_make ("{s:i, s:O}", "v", 1, "request", r->request);
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  CLEANUP_FREE char *compact = NULL;

  if (done->err) {
    json_t *error = json_object ();

    json_put_str (error, "code", err_code_name (done->err->code));
    put_masked (error, "message", done->err->msg, r);
    json_put (line, "error", error);
  } else
    json_put (line, "reply", record_reply (&done->reply, r));
  json_put_bool (line, "sent", done->sent);
  json_put_int (line, "started_ms", done->started_wall_ms);
  json_put_int (line, "ended_ms", done->ended_wall_ms);
  compact = json_text (line);
  strbuf_addf (&text, "%s\n", compact);
  /* One write for a line: two processes may share the file. */
  if (write_all (rt->fd, text.buf, text.len) == -1)
    err_set_errno (&rt->failure, errno, "recording of HTTP calls");
}

static void
forget (struct record_transport *rt, uint64_t tag, const struct exchange *done)
{
  for (size_t i = 0; i < rt->pending.len; i++)
    if (rt->pending.ptr[i].tag == tag) {
      struct recorded r = recorded_vec_remove (&rt->pending, i);

      if (done && rt->failure == NULL)
        write_line (rt, &r, done);
      recorded_release (&r);
      return;
    }
}

static void
record_step (struct transport *t, struct exchanges *done)
{
  struct record_transport *rt = (struct record_transport *)t;
  size_t before = done->len;

  transport_step (rt->below, done);
  for (size_t i = before; i < done->len; i++)
    forget (rt, done->ptr[i].tag, &done->ptr[i]);
}

static int
record_wait (struct transport *t, struct pollfd *fds, unsigned nfds,
             int64_t timeout_ms, struct err **err)
{
  return transport_wait (((struct record_transport *)t)->below, fds, nfds,
                         timeout_ms, err);
}

static int64_t
record_next_ms (struct transport *t)
{
  return transport_next_ms (((struct record_transport *)t)->below);
}

static bool
record_cancel (struct transport *t, uint64_t tag)
{
  struct record_transport *rt = (struct record_transport *)t;

  forget (rt, tag, NULL);
  return transport_cancel (rt->below, tag);
}

static unsigned
record_room (struct transport *t)
{
  return transport_room (((struct record_transport *)t)->below);
}

static void
record_free (struct transport *t)
{
  struct record_transport *rt = (struct record_transport *)t;

  for (size_t i = 0; i < rt->pending.len; i++)
    recorded_release (&rt->pending.ptr[i]);
  recorded_vec_release (&rt->pending);
  transport_free (rt->below);
  err_free (rt->failure);
  if (rt->fd >= 0)
    close (rt->fd);
  free (rt);
}

static const struct transport_ops record_ops = {
    .submit = record_submit,
    .step = record_step,
    .wait = record_wait,
    .next_ms = record_next_ms,
    .cancel = record_cancel,
    .room = record_room,
    .free = record_free,
};

struct transport *
record_transport_new (struct transport *below, const char *path,
                      struct err **err)
{
  struct record_transport *rt = xcalloc (1, sizeof *rt);

  rt->base.ops = &record_ops;
  rt->below = below;
  rt->fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (rt->fd == -1) {
    err_set_errno (err, errno, "%s", path);
    record_free (&rt->base);
    return NULL;
  }
  return &rt->base;
}

const struct err *
record_transport_failure (struct transport *t)
{
  return ((struct record_transport *)t)->failure;
}
