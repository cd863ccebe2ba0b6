/* How much one thread with one multi handle takes for a fleet's calls.
 *
 * 500 VMs make 15 calls each, one after the other, over two token buckets of
 * 250 a second, against a server on loopback that answers after 50 ms; if asked
 * to, it says 429 with "Retry-After: 1" to some, whatever the rate.  Prints
 * wall time, the floor that the buckets set, CPU time and peak memory of this
 * process without the server's.
 *
 *   net-throughput [VMS [CALLS [PER_SECOND [429S_PER_MILLE]]]]  */

#include <arpa/inet.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <microhttpd.h>

#include <net/curl-transport.h>
#include <net/limiter.h>
#include <net/retry.h>

static atomic_uint served, connections;
static unsigned vms = 500, calls = 15, per_second = 250, per_mille = 0;

static enum MHD_Result
on_request (void *opaque, struct MHD_Connection *c, const char *url,
            const char *method, const char *version, const char *upload,
            size_t *upload_size, void **state)
{
  struct MHD_Response *r;
  enum MHD_Result ret;
  unsigned n, status;

  (void)opaque;
  (void)url;
  (void)method;
  (void)version;
  (void)upload;
  if (*state == NULL || *upload_size) {
    *upload_size = 0;
    *state = c;
    return MHD_YES;
  }
  n = served++;
  usleep (50000);
  /* Spread evenly: a multiple of a number that shares no factor with 1000. */
  status = n * 619 % 1000 < per_mille ? 429 : 200;
  r = MHD_create_response_from_buffer (2, (void *)(uintptr_t) "ok",
                                       MHD_RESPMEM_PERSISTENT);
  if (status == 429)
    MHD_add_response_header (r, "Retry-After", "1");
  ret = MHD_queue_response (c, status, r);
  MHD_destroy_response (r);
  return ret;
}

static void
on_connection (void *opaque, struct MHD_Connection *c, void **state,
               enum MHD_ConnectionNotificationCode what)
{
  (void)opaque;
  (void)c;
  (void)state;
  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    connections++;
}

/* The child: says its port, serves until the pipe is closed, says counts. */
static void
serve (int to_parent, int from_parent)
{
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  struct MHD_Daemon *daemon =
      MHD_start_daemon (MHD_USE_THREAD_PER_CONNECTION |
                            MHD_USE_INTERNAL_POLLING_THREAD,
                        0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
                        &local, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                        NULL, MHD_OPTION_END);
  unsigned report[3];

  if (daemon == NULL)
    _exit (1);
  report[0] = MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  (void)!write (to_parent, report, sizeof report);
  (void)!read (from_parent, report, 1);
  report[1] = served;
  report[2] = connections;
  (void)!write (to_parent, report, sizeof report);
  _exit (0);
}

static const struct limit_scope scope = {"bench", "a", "r"};

struct bench {
  struct transport *transport;
  struct limiter *limiter;
  struct limit_queue *queues[2];
  struct http_request request;
  struct random_source random;
  unsigned *left;    /* calls that a VM still has to make */
  int64_t *again_ms; /* when a throttled VM comes back; 0: it does not wait */
  int64_t *admitted_ms; /* when its last call was admitted */
  unsigned finished, throttled;
};

static int64_t
now_ms (void)
{
  return clock_now_ms (&real_clock);
}

static void
queue_call (struct bench *b, uint64_t vm)
{
  if (limit_queue_push (b->queues[vm % 2], vm, 1, now_ms (), NULL) == -1)
    abort ();
}

static void
one_reply (struct bench *b, const struct exchange *c)
{
  uint64_t vm = c->tag;

  if (c->err) {
    fprintf (stderr, "%s\n", c->err->msg);
    exit (1);
  }
  if (c->reply.status == 429) {
    struct retry_case what = {.code = ERR_THROTTLED, .attempt = 1};

    what.retry_after_ms = http_retry_after_ms (&c->reply, 0);
    b->throttled++;
    limit_queue_throttled (b->queues[vm % 2], NULL, now_ms (),
                           b->admitted_ms[vm], what.retry_after_ms);
    b->again_ms[vm] =
        now_ms () +
        retry_decide (&retry_policy_default, &what, &b->random).wait_ms;
  } else if (--b->left[vm] == 0)
    b->finished++;
  else
    queue_call (b, vm);
}

static void
wake (struct bench *b, int64_t *next_ms)
{
  int64_t now = now_ms ();

  for (unsigned vm = 0; vm < vms; vm++) {
    if (b->again_ms[vm] && b->again_ms[vm] <= now) {
      b->again_ms[vm] = 0;
      queue_call (b, vm);
    } else if (b->again_ms[vm] &&
               (*next_ms < 0 || b->again_ms[vm] - now < *next_ms))
      *next_ms = b->again_ms[vm] - now;
  }
}

static void
run (struct bench *b)
{
  struct exchanges done = VEC_EMPTY;
  struct admission a;

  while (b->finished < vms) {
    int64_t wait_ms = -1, limit_ms;

    transport_step (b->transport, &done);
    for (size_t i = 0; i < done.len; i++)
      one_reply (b, &done.ptr[i]);
    exchanges_clear (&done);
    wake (b, &wait_ms);
    while (transport_room (b->transport) &&
           limiter_take (b->limiter, now_ms (), &a)) {
      b->admitted_ms[a.tag] = now_ms ();
      if (transport_submit (b->transport, &b->request, NULL, a.tag, NULL) == -1)
        abort ();
    }
    limit_ms = transport_room (b->transport)
                   ? limiter_next_ms (b->limiter, now_ms ())
                   : -1;
    if (limit_ms >= 0 && (wait_ms < 0 || limit_ms < wait_ms))
      wait_ms = limit_ms;
    if (b->finished < vms &&
        transport_wait (b->transport, NULL, 0, wait_ms, NULL) == -1)
      abort ();
  }
  exchanges_free_all (&done);
}

static void
prepare (struct bench *b, unsigned port)
{
  const struct transport_options options = {.max_in_flight = 64};
  const struct limit_spec specs[] = {{.limit_class = "0",
                                      .bucket = "0",
                                      .capacity = per_second,
                                      .refill_per_s = per_second},
                                     {.limit_class = "1",
                                      .bucket = "1",
                                      .capacity = per_second,
                                      .refill_per_s = per_second},
                                     {0}};

  b->transport = curl_transport_new (&options, NULL);
  b->limiter = limiter_new ();
  b->left = xcalloc (vms, sizeof *b->left);
  b->again_ms = xcalloc (vms, sizeof *b->again_ms);
  b->admitted_ms = xcalloc (vms, sizeof *b->admitted_ms);
  random_init (&b->random, 1);
  for (int i = 0; i < 2; i++)
    b->queues[i] = limiter_queue (b->limiter, &scope, specs, i ? "1" : "0",
                                  now_ms (), NULL);
  b->request.method = xstrdup ("POST");
  b->request.url = xasprintf ("http://127.0.0.1:%u/", port);
  b->request.body = xstrdup ("Action=DescribeInstances");
  b->request.body_len = strlen (b->request.body);
  for (unsigned vm = 0; vm < vms; vm++) {
    b->left[vm] = calls;
    queue_call (b, vm);
  }
}

static void
report (const struct bench *b, int64_t wall_ms, const unsigned server[3])
{
  double floor_s = ((double)vms * calls / 2 - per_second) / per_second;
  struct rusage used;

  getrusage (RUSAGE_SELF, &used);
  printf ("%u VMs, %u calls each: %u sent, %u throttled, %u connections\n", vms,
          calls, server[1], b->throttled, server[2]);
  printf ("wall %.2f s (the buckets alone: %.2f s), CPU %.2f s user + %.2f s "
          "system, peak %.1f MiB\n",
          (double)wall_ms / 1000, floor_s > 0 ? floor_s : 0,
          (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6,
          (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6,
          (double)used.ru_maxrss / 1024);
}

static void
release (struct bench *b)
{
  transport_free (b->transport);
  limiter_free (b->limiter);
  http_request_release (&b->request);
  free (b->left);
  free (b->again_ms);
  free (b->admitted_ms);
}

int
main (int argc, char **argv)
{
  unsigned *const options[] = {&vms, &calls, &per_second, &per_mille};
  struct bench b = {0};
  unsigned server[3];
  int up[2], down[2];
  int64_t start;

  for (int i = 1; i < argc && i <= 4; i++)
    *options[i - 1] = (unsigned)strtoul (argv[i], NULL, 10);
  if (vms == 0 || calls == 0 || per_second == 0 || pipe (up) || pipe (down))
    return 2;
  if (fork () == 0)
    serve (up[1], down[0]);
  if (read (up[0], server, sizeof server) != sizeof server)
    return 1;
  prepare (&b, server[0]);
  start = now_ms ();
  run (&b);
  start = now_ms () - start;
  if (write (down[1], "", 1) != 1 ||
      read (up[0], server, sizeof server) != sizeof server)
    return 1;
  report (&b, start, server);
  release (&b);
  wait (NULL);
  return 0;
}
