#include "replay.h"

#include <limits.h>
#include <string.h>

#include <base/files.h>
#include <base/json.h>
#include <base/text.h>

#include "mask.h"

#define MAX_RECORDING_BYTES (256u << 20)

struct recording {
  json_t *json;
  bool used;
};

DEFINE_VEC (struct recording, recording_vec);

struct replay_transport {
  struct transport base;
  enum replay_order order;
  const struct clock *clock;
  struct recording_vec recordings;
  struct exchanges ready;
};

/* "body" or "body_hex" of a recorded request or reply; an own copy. */
static int
read_body (const json_t *json, char **body, size_t *len, struct err **err)
{
  const json_t *text = json_object_get (json, "body");
  const char *hex = json_str (json, "body_hex", NULL);

  if (hex) {
    CLEANUP_FREE unsigned char *bytes = NULL;

    if (hex_decode (hex, &bytes, len) == -1)
      return err_set (err, ERR_INPUT, "field \"body_hex\" is no hex");
    *body = xmalloc (*len + 1);
    memcpy (*body, bytes, *len);
  } else {
    *len = json_string_length (text);
    *body = xmalloc (*len + 1);
    memcpy (*body, json_is_string (text) ? json_string_value (text) : "", *len);
  }
  (*body)[*len] = '\0';
  return 0;
}

static int
read_reply (const json_t *json, struct http_reply *reply, struct err **err)
{
  const json_t *headers = json_object_get (json, "headers"), *pair;
  int64_t status;
  size_t i;

  if (json_need_int (json, "status", &status, err) == -1)
    return -1;
  json_array_foreach (headers, i, pair)
  {
    const char *name = json_string_value (json_array_get (pair, 0));
    const char *value = json_string_value (json_array_get (pair, 1));

    if (name == NULL || value == NULL)
      return err_set (err, ERR_INPUT, "headers[%zu] is no pair of strings", i);
    http_header_add (&reply->headers, name, value);
  }
  reply->status = (int)status;
  return read_body (json, &reply->body, &reply->body_len, err);
}

/* A line is checked when it is read, not when it is needed. */
static int
check_line (const json_t *json, struct err **err)
{
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  int64_t version;

  if (json_need_int (json, "v", &version, err) == -1)
    return -1;
  if (version != 1)
    return err_set (err, ERR_INPUT, "version %lld of a recording",
                    (long long)version);
  if (json_need_str (json, "request.method", err) == NULL ||
      json_need_str (json, "request.url", err) == NULL)
    return -1;
  if (json_object_get (json, "error"))
    return json_need_str (json, "error.code", err) ? 0 : -1;
  return read_reply (json_object_get (json, "reply"), &reply, err);
}

static int
read_lines (struct replay_transport *rt, const char *text, size_t len,
            const char *path, struct err **err)
{
  size_t number = 0;

  while (len) {
    const char *end = memchr (text, '\n', len);
    size_t line_len = end ? (size_t)(end - text) : len;
    struct recording r = {0};

    number++;
    if (line_len) {
      r.json = json_parse (text, line_len, "line", err);
      if (r.json == NULL || check_line (r.json, err) == -1) {
        json_decref (r.json);
        return err_wrap (err, "%s:%zu", path, number);
      }
      recording_vec_push (&rt->recordings, r);
    }
    text += line_len + (end != NULL);
    len -= line_len + (end != NULL);
  }
  return 0;
}

static bool
fits (const struct recording *r, const char *method, const char *url)
{
  return strcmp (json_str (r->json, "request.method", ""), method) == 0 &&
         strcmp (json_str (r->json, "request.url", ""), url) == 0;
}

static bool
same_body (const struct recording *r, const struct http_request *req)
{
  CLEANUP_FREE char *body = NULL, *masked = NULL;
  size_t len, masked_len = 0;

  if (read_body (json_object_get (r->json, "request"), &body, &len, NULL) == -1)
    return false;
  masked = mask_text (req->body ? req->body : "", req->body_len, &masked_len);
  return len == masked_len && memcmp (body, masked, len) == 0;
}

static struct recording *
find (struct replay_transport *rt, const struct http_request *req)
{
  CLEANUP_FREE char *url = mask_text (req->url, strlen (req->url), NULL);
  struct recording *second_best = NULL;

  for (size_t i = 0; i < rt->recordings.len; i++) {
    struct recording *r = &rt->recordings.ptr[i];

    if (r->used)
      continue;
    if (rt->order == REPLAY_IN_ORDER)
      return fits (r, req->method, url) ? r : NULL;
    if (!fits (r, req->method, url))
      continue;
    if (same_body (r, req))
      return r;
    if (second_best == NULL)
      second_best = r;
  }
  return second_best;
}

static int
replay_submit (struct transport *t, const struct http_request *req,
               const struct http_auth *auth, uint64_t tag, struct err **err)
{
  struct replay_transport *rt = (struct replay_transport *)t;
  struct exchange c = {.tag = tag};
  struct recording *r = find (rt, req);

  (void)auth;
  (void)err;
  c.started_wall_ms = c.ended_wall_ms = clock_wall_ms (rt->clock);
  if (r == NULL)
    err_set (&c.err, ERR_NOT_FOUND, "%s %s: not what the recording has%s",
             req->method, req->url,
             rt->order == REPLAY_IN_ORDER ? " next" : "");
  else {
    const json_t *error = json_object_get (r->json, "error");

    r->used = true;
    c.sent = json_bool (r->json, "sent", true);
    if (error)
      c.err = json_to_err (error);
    else if (read_reply (json_object_get (r->json, "reply"), &c.reply,
                         &c.err) == -1)
      http_reply_release (&c.reply);
  }
  exchanges_push (&rt->ready, c);
  return 0;
}

static void
replay_step (struct transport *t, struct exchanges *done)
{
  struct replay_transport *rt = (struct replay_transport *)t;

  for (size_t i = 0; i < rt->ready.len; i++)
    exchanges_push (done, rt->ready.ptr[i]);
  rt->ready.len = 0;
}

static int64_t
replay_next_ms (struct transport *t)
{
  return ((struct replay_transport *)t)->ready.len ? 0 : -1;
}

static int
replay_wait (struct transport *t, struct pollfd *fds, unsigned nfds,
             int64_t timeout_ms, struct err **err)
{
  return transport_poll (fds, nfds, replay_next_ms (t) == 0 ? 0 : timeout_ms,
                         err);
}

static bool
replay_cancel (struct transport *t, uint64_t tag)
{
  struct replay_transport *rt = (struct replay_transport *)t;

  for (size_t i = 0; i < rt->ready.len; i++)
    if (rt->ready.ptr[i].tag == tag) {
      struct exchange c = exchanges_remove (&rt->ready, i);

      exchange_release (&c);
      return true;
    }
  return false;
}

static unsigned
replay_room (struct transport *t)
{
  (void)t;
  return UINT_MAX;
}

static void
replay_free (struct transport *t)
{
  struct replay_transport *rt = (struct replay_transport *)t;

  for (size_t i = 0; i < rt->recordings.len; i++)
    json_decref (rt->recordings.ptr[i].json);
  recording_vec_release (&rt->recordings);
  exchanges_free_all (&rt->ready);
  free (rt);
}

static const struct transport_ops replay_ops = {
    .submit = replay_submit,
    .step = replay_step,
    .wait = replay_wait,
    .next_ms = replay_next_ms,
    .cancel = replay_cancel,
    .room = replay_room,
    .free = replay_free,
};

struct transport *
replay_transport_new (const char *path, enum replay_order order,
                      const struct clock *clock, struct err **err)
{
  struct replay_transport *rt = xcalloc (1, sizeof *rt);
  CLEANUP_FREE char *text = NULL;
  size_t len;

  rt->base.ops = &replay_ops;
  rt->order = order;
  rt->clock = clock;
  if (file_read (path, MAX_RECORDING_BYTES, &text, &len, err) == -1 ||
      read_lines (rt, text, len, path, err) == -1) {
    replay_free (&rt->base);
    return NULL;
  }
  return &rt->base;
}

size_t
replay_transport_unused (struct transport *t)
{
  struct replay_transport *rt = (struct replay_transport *)t;
  size_t unused = 0;

  for (size_t i = 0; i < rt->recordings.len; i++)
    unused += !rt->recordings.ptr[i].used;
  return unused;
}
