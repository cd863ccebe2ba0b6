#include "curl-transport.h"

#include <pthread.h>
#include <string.h>

#include <base/log.h>

#include "curl-internal.h"

#define DEFAULT_MAX_IN_FLIGHT 128

DEFINE_VEC (struct transfer *, transfers);

struct curl_transport {
  struct transport base;
  struct transport_options options;
  const struct clock *clock;
  char *user_agent;
  CURLM *multi;
  CURLSH *share; /* TLS sessions: a new connection resumes an old one */
  struct ca_trust trust;
  struct transfers transfers;
};

static void
curl_initialise (void)
{
  if (curl_global_init_mem (CURL_GLOBAL_DEFAULT, malloc, wiping_free,
                            wiping_realloc, strdup, calloc) != CURLE_OK)
    abort ();
}

void
curl_use (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, curl_initialise);
}

static void
transfer_free (struct transfer *t)
{
  if (t->easy)
    curl_easy_cleanup (t->easy);
  curl_slist_free_all (t->headers);
  url_facts_release (&t->url);
  free (t->method);
  free (t->log_url);
  strbuf_release (&t->body);
  http_headers_free_all (&t->reply_headers);
  free (t);
}

static unsigned
room (struct transport *base)
{
  struct curl_transport *ct = (struct curl_transport *)base;

  return ct->options.max_in_flight - (unsigned)ct->transfers.len;
}

static int
curl_submit (struct transport *base, const struct http_request *req,
             const struct http_auth *auth, uint64_t tag, struct err **err)
{
  struct curl_transport *ct = (struct curl_transport *)base;
  struct transfer *t;
  CURLMcode code;

  if (room (base) == 0)
    return err_set (err, ERR_THROTTLED, "%zu requests are on their way already",
                    ct->transfers.len);
  t = xcalloc (1, sizeof *t);
  t->tag = tag;
  t->body.secret = true; /* tokens come in replies */
  t->started_wall_ms = clock_wall_ms (ct->clock);
  t->started_ms = clock_now_ms (ct->clock);
  if (transfer_prepare (t, req, auth, &ct->options, &ct->trust, err) == -1) {
    transfer_free (t);
    return -1;
  }
  curl_easy_setopt (t->easy, CURLOPT_SHARE, ct->share);
  code = curl_multi_add_handle (ct->multi, t->easy);
  if (code != CURLM_OK) {
    transfer_free (t);
    return err_set (err, ERR_INTERNAL, "libcurl: %s",
                    curl_multi_strerror (code));
  }
  transfers_push (&ct->transfers, t);
  return 0;
}

static void
log_transfer (struct curl_transport *ct, const struct transfer *t, long status,
              const struct err *err)
{
  long version = 0, connects = 0;

  if (log_level < LOG_DEBUG)
    return;
  curl_easy_getinfo (t->easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo (t->easy, CURLINFO_NUM_CONNECTS, &connects);
  log_debug ("net: %s %s: %s%ld%s in %lld ms, %zu bytes%s%s", t->method,
             t->log_url, err ? err->msg : "HTTP ", status,
             version == CURL_HTTP_VERSION_2_0 ? " (HTTP/2)" : "",
             (long long)(clock_now_ms (ct->clock) - t->started_ms), t->body.len,
             connects ? ", new connection" : "",
             t->starts > 1 ? ", sent again" : "");
}

static void
finish (struct curl_transport *ct, struct transfer *t, CURLcode result,
        struct exchanges *done)
{
  struct exchange c = {.tag = t->tag,
                       .sent = t->starts > 0,
                       .started_wall_ms = t->started_wall_ms,
                       .ended_wall_ms = clock_wall_ms (ct->clock)};
  long status = 0;

  curl_easy_getinfo (t->easy, CURLINFO_RESPONSE_CODE, &status);
  if (result != CURLE_OK)
    c.err = transfer_err (t, result);
  else if (status >= 301 && status <= 308 && status != 304)
    c.err = transfer_redirect_err (t, status);
  log_transfer (ct, t, status, c.err);
  if (c.err == NULL) {
    c.reply.status = (int)status;
    c.reply.headers = t->reply_headers;
    t->reply_headers = (struct http_headers)VEC_EMPTY;
    c.reply.body_len = t->body.len;
    c.reply.body = strbuf_take (&t->body);
  }
  exchanges_push (done, c);
}

static void
drop (struct curl_transport *ct, struct transfer *t)
{
  for (size_t i = 0; i < ct->transfers.len; i++)
    if (ct->transfers.ptr[i] == t) {
      transfers_remove (&ct->transfers, i);
      break;
    }
  curl_multi_remove_handle (ct->multi, t->easy);
  transfer_free (t);
}

static void
curl_step (struct transport *base, struct exchanges *done)
{
  struct curl_transport *ct = (struct curl_transport *)base;
  int running, left;
  CURLMsg *msg;

  (void)curl_multi_perform (ct->multi, &running);
  while ((msg = curl_multi_info_read (ct->multi, &left))) {
    struct transfer *t = NULL;
    CURLcode result = msg->data.result;

    if (msg->msg != CURLMSG_DONE)
      continue;
    curl_easy_getinfo (msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
    finish (ct, t, result, done);
    drop (ct, t); /* msg points nowhere from here on */
  }
}

/* curl_multi_poll's events are poll's under other names. */
static const struct {
  short poll, curl;
} events[] = {{POLLIN, CURL_WAIT_POLLIN},
              {POLLPRI, CURL_WAIT_POLLPRI},
              {POLLOUT, CURL_WAIT_POLLOUT}};

static int
curl_wait (struct transport *base, struct pollfd *fds, unsigned nfds,
           int64_t timeout_ms, struct err **err)
{
  struct curl_transport *ct = (struct curl_transport *)base;
  CLEANUP_FREE struct curl_waitfd *extra =
      xcalloc (nfds, sizeof (struct curl_waitfd));
  /* It takes no "for ever"; a minute of it is as good. */
  int ms = timeout_ms < 0 || timeout_ms > 60000 ? 60000 : (int)timeout_ms;
  CURLMcode code;

  for (unsigned i = 0; i < nfds; i++) {
    extra[i].fd = fds[i].fd;
    for (size_t j = 0; j < ARRAY_SIZE (events); j++)
      if (fds[i].events & events[j].poll)
        extra[i].events |= events[j].curl;
  }
  code = curl_multi_poll (ct->multi, extra, nfds, ms, NULL);
  if (code != CURLM_OK)
    return err_set (err, ERR_IO, "libcurl: poll: %s",
                    curl_multi_strerror (code));
  for (unsigned i = 0; i < nfds; i++) {
    fds[i].revents = 0;
    for (size_t j = 0; j < ARRAY_SIZE (events); j++)
      if (extra[i].revents & events[j].curl)
        fds[i].revents |= events[j].poll;
  }
  return 0;
}

static int64_t
curl_next_ms (struct transport *base)
{
  struct curl_transport *ct = (struct curl_transport *)base;
  long ms = -1;

  curl_multi_timeout (ct->multi, &ms);
  return ms;
}

static bool
curl_cancel (struct transport *base, uint64_t tag)
{
  struct curl_transport *ct = (struct curl_transport *)base;

  for (size_t i = 0; i < ct->transfers.len; i++)
    if (ct->transfers.ptr[i]->tag == tag) {
      drop (ct, ct->transfers.ptr[i]);
      return true;
    }
  return false;
}

static void
curl_free_transport (struct transport *base)
{
  struct curl_transport *ct = (struct curl_transport *)base;

  while (ct->transfers.len)
    drop (ct, ct->transfers.ptr[0]);
  transfers_release (&ct->transfers);
  if (ct->multi)
    curl_multi_cleanup (ct->multi);
  if (ct->share)
    curl_share_cleanup (ct->share);
  ca_trust_release (&ct->trust);
  free (ct->user_agent);
  free (ct);
}

static const struct transport_ops curl_ops = {
    .submit = curl_submit,
    .step = curl_step,
    .wait = curl_wait,
    .next_ms = curl_next_ms,
    .cancel = curl_cancel,
    .room = room,
    .free = curl_free_transport,
};

struct transport *
curl_transport_new (const struct transport_options *options, struct err **err)
{
  struct curl_transport *ct = xcalloc (1, sizeof *ct);

  curl_use ();
  ct->base.ops = &curl_ops;
  ct->options = *options;
  ct->clock = options->clock ? options->clock : &real_clock;
  ct->options.ca_file = NULL; /* the caller's string, read here and now */
  if (options->user_agent)
    ct->options.user_agent = ct->user_agent = xstrdup (options->user_agent);
  if (ct->options.max_in_flight == 0)
    ct->options.max_in_flight = DEFAULT_MAX_IN_FLIGHT;
  ct->trust.combined = -1;
  if (ca_trust_find (options->ca_file, &ct->trust, err) == -1) {
    curl_free_transport (&ct->base);
    return NULL;
  }
  ct->multi = curl_multi_init ();
  ct->share = curl_share_init ();
  if (ct->multi == NULL || ct->share == NULL)
    abort ();
  curl_share_setopt (ct->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  curl_multi_setopt (ct->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  /* As many kept connections as there can be at once; no limit on new ones:
   * what waits for one inside libcurl would already use up its deadline. */
  curl_multi_setopt (ct->multi, CURLMOPT_MAXCONNECTS,
                     (long)ct->options.max_in_flight);
  return &ct->base;
}

int
curl_transport_trust (struct transport *transport, const char *who,
                      const char *file, struct err **err)
{
  struct curl_transport *ct = (struct curl_transport *)transport;

  return ca_trust_add (&ct->trust, who, file, err);
}
