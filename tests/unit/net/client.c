#include "client.h"

#include <CUnit/CUnit.h>

#include <string.h>

void
make_request (struct http_request *req, const char *method, const char *scheme,
              unsigned port, const char *path)
{
  memset (req, 0, sizeof *req);
  req->method = xstrdup (method);
  req->url = xasprintf ("%s://127.0.0.1:%u%s", scheme, port, path);
  req->repeatable = strcmp (method, "GET") == 0;
  if (!req->repeatable) {
    req->body = xstrdup ("a=b");
    req->body_len = 3;
  }
}

void
run_until (struct transport *t, struct exchanges *done, size_t n)
{
  int64_t end = clock_now_ms (&real_clock) + 30000;

  while (done->len < n && clock_now_ms (&real_clock) < end) {
    transport_step (t, done);
    if (done->len < n)
      CU_ASSERT_EQUAL (transport_wait (t, NULL, 0, 500, NULL), 0);
  }
  CU_ASSERT_EQUAL_FATAL (done->len, n);
}

struct exchange
run_request (struct transport *t, const struct http_request *req,
             const struct http_auth *auth)
{
  struct exchanges done = VEC_EMPTY;
  struct exchange c = {0};

  c.tag = 7;
  if (transport_submit (t, req, auth, 7, &c.err) == -1)
    return c;
  run_until (t, &done, 1);
  c = done.ptr[0];
  exchanges_release (&done);
  CU_ASSERT_EQUAL (c.tag, 7);
  CU_ASSERT_EQUAL (c.err == NULL, c.reply.body != NULL);
  return c;
}

struct exchange
run_path (struct transport *t, const char *method, const char *scheme,
          unsigned port, const char *path)
{
  CLEANUP_HTTP_REQUEST struct http_request req;

  make_request (&req, method, scheme, port, path);
  return run_request (t, &req, NULL);
}

struct transport *
new_transport (const char *ca_file)
{
  const struct transport_options options = {.ca_file = ca_file,
                                            .max_in_flight = 40,
                                            .deadline_ms = 20000};
  struct transport *t = curl_transport_new (&options, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (t);
  return t;
}
