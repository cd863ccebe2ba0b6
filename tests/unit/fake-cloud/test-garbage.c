/* Requests that nobody means well with: no crash, no effect, never a 200. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>

#include "driver.h"

enum {
  ROUNDS = 20000
};

static unsigned
below (unsigned *random, unsigned n)
{
  *random = *random * 1664525U + 1013904223U;
  return (*random >> 8) % n;
}

/* Words that mean something to the parser, and bytes that do not. */
static char *
garbage (unsigned *random, unsigned pieces)
{
  static const char *const words[] = {"Action",
                                      "Version",
                                      "=",
                                      "&",
                                      ".",
                                      "%",
                                      "%00",
                                      "%zz",
                                      "+",
                                      "2016-11-15",
                                      "InstanceId",
                                      ".1",
                                      ".99999999999999999999",
                                      WEB,
                                      "AWS4-HMAC-SHA256 ",
                                      "Credential=",
                                      "SignedHeaders=",
                                      "Signature=",
                                      "/aws4_request",
                                      "AKIAALL/20250615/us-east-1/ec2",
                                      "host;x-amz-date",
                                      ";",
                                      ", ",
                                      "<!ENTITY",
                                      "{n}",
                                      "\xff\xfe",
                                      "\r\n",
                                      "Filter.1.Name",
                                      "tag:",
                                      "*",
                                      "-1",
                                      "NextToken"};
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  for (unsigned i = 0; i < pieces; i++)
    if (below (random, 4))
      strbuf_addstr (&sb, words[below (random, sizeof words / sizeof *words)]);
    else
      strbuf_addch (&sb, (char)(1 + below (random, 255)));
  return strbuf_take (&sb);
}

static void
send_garbage (struct driver *d, unsigned *random)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FREE char *authorization = garbage (random, below (random, 12));
  CLEANUP_FREE char *query = garbage (random, below (random, 6));

  req.method = xstrdup (below (random, 2) ? "POST" : "GET");
  req.url = below (random, 2) ? xasprintf ("http://h/?%s", query)
                              : xasprintf ("http://h/latest/%s", query);
  req.body = garbage (random, below (random, 20));
  req.body_len = strlen (req.body);
  http_header_add (&req.headers, "Host", "h");
  http_header_add (&req.headers, "X-Amz-Date", "20250615T150640Z");
  if (below (random, 4))
    http_header_add (&req.headers, "Authorization", authorization);
  http_reply_release (&d->reply);
  fake_cloud_handle (d->cloud, &req, &d->reply);
}

static void
test_garbage (void)
{
  struct driver d;
  unsigned random = 1;
  int good = 0;
  CLEANUP_JSON json_t *before = NULL, *after = NULL;

  driver_init (&d, "{'aws':{'auth':'sigv4'}}");
  before = fake_cloud_state (d.cloud);
  for (int i = 0; i < ROUNDS; i++) {
    send_garbage (&d, &random);
    good += d.reply.status < 400;
  }
  after = fake_cloud_state (d.cloud);
  CU_ASSERT_EQUAL (good, 0);
  CU_ASSERT_TRUE (json_equal (before, after));
  driver_release (&d);
}

/* The same with a caller who may do everything, so that it gets further. */
static void
test_trusted_garbage (void)
{
  struct driver d;
  unsigned random = 2;

  driver_init (&d, "{'throttle':{'enabled':false}}");
  for (int i = 0; i < ROUNDS; i++) {
    CLEANUP_FREE char *words = garbage (&random, below (&random, 8));
    CLEANUP_FREE char *call =
        xasprintf ("%s InstanceId%s=%s VolumeId=%s",
                   below (&random, 2) ? "DescribeInstances" : "DetachVolume",
                   below (&random, 2) ? "" : ".1", words, words);

    driver_call (&d, call);
    CU_ASSERT (strcmp (d.code, "ok") != 0);
  }
  driver_release (&d);
}

static const struct unit_case cases[] = {
    {"garbage", test_garbage},
    {"garbage of a trusted caller", test_trusted_garbage},
};
UNIT_MAIN ("fake-cloud/garbage", cases)
