/* The frame of the fake clouds: faults, throttles, pages, staleness, replay. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>

#include "driver.h"

#define OK(words) CU_ASSERT_STRING_EQUAL (driver_call (&d, words), "ok")
#define IS(id, path, value)                                                    \
  CU_ASSERT_STRING_EQUAL (drive_state (d.cloud, id, path), value)

static void
test_fault_rules (void)
{
  /* what the 1st, 2nd, 3rd CreateTags of the same tag answers, and whether the
   * tag is there after the first */
  static const struct {
    const char *rule, *codes[3];
    const char *tag_after_first;
  } rows[] = {
      {"'what':'error','times':1", {"Unavailable", "ok", "ok"}, ""},
      {"'what':'error','when':'after','times':1,'status':500,"
       "'code':'InternalError'",
       {"InternalError", "ok", "ok"},
       "1"},
      {"'what':'throttle','every':2",
       {"ok", "RequestLimitExceeded", "ok"},
       "1"},
      {"'what':'error','skip':1,'times':1", {"ok", "Unavailable", "ok"}, "1"},
      {"'what':'reset','times':1", {"status 0", "ok", "ok"}, ""},
      {"'what':'no-answer','when':'after','times':1",
       {"status -1", "ok", "ok"},
       "1"},
      {"'what':'truncated','times':1", {"status -2", "ok", "ok"}, "1"},
      {"'what':'html','times':1,'status':502", {"status 502", "ok", "ok"}, ""},
      {"'what':'error','id':'" HELPER "'", {"ok", "ok", "ok"}, "1"},
      {"'what':'error','id':'" WEB "'",
       {"Unavailable", "Unavailable", "Unavailable"},
       ""},
      {"'what':'error','action':'Describe*'", {"ok", "ok", "ok"}, "1"},
      {"'what':'error','probability':0.0", {"ok", "ok", "ok"}, "1"},
      {"'what':'error','caller':'*nobody'", {"ok", "ok", "ok"}, "1"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *patch = xasprintf ("{'faults':[{%s}]}", rows[i].rule);
    struct driver d;

    driver_init (&d, patch);
    for (int n = 0; n < 3; n++) {
      driver_call (&d,
                   "CreateTags ResourceId.1=" WEB " Tag.1.Key=t Tag.1.Value=1");
      if (strcmp (d.code, rows[i].codes[n]) != 0)
        fprintf (stderr, "fault %zu, call %d: %s\n", i, n, d.code);
      CU_ASSERT_STRING_EQUAL (d.code, rows[i].codes[n]);
      if (n == 0) {
        const char *tags = drive_state (d.cloud, WEB, "tagSet");

        CU_ASSERT_EQUAL (strstr (tags, "\"t\"") != NULL,
                         rows[i].tag_after_first[0] == '1');
      }
    }
    driver_release (&d);
  }
}

static void
test_changes_that_go_wrong_later (void)
{
  struct driver d;

  driver_init (&d, "{'faults':[{'what':'late-failure','action':'Start*'},"
                   "{'what':'never-ends','action':'StopInstances'},"
                   "{'what':'slow-change','action':'AttachVolume',"
                   "'delay_ms':10000},"
                   "{'what':'slow','action':'DescribeRegions',"
                   "'delay_ms':1234}]}");
  OK ("StartInstances InstanceId.1=" OTHER);
  driver_wait (&d, 3000);
  IS (OTHER, "instanceState.name", "stopped");
  IS (OTHER, "stateReason.code", "Server.InternalError");
  OK ("StopInstances InstanceId.1=" WEB);
  driver_wait (&d, 3600000);
  IS (WEB, "instanceState.name", "stopping");
  OK ("AttachVolume VolumeId=" SPARE " InstanceId=" HELPER " Device=/dev/sdf");
  driver_wait (&d, 11999);
  OK ("DescribeVolumes VolumeId.1=" SPARE);
  CU_ASSERT_EQUAL (driver_count (&d, "<status>attaching</status>"), 1);
  driver_wait (&d, 1);
  OK ("DescribeVolumes VolumeId.1=" SPARE);
  CU_ASSERT_EQUAL (driver_count (&d, "<status>attached</status>"), 1);
  OK ("DescribeRegions");
  CU_ASSERT_EQUAL (d.latency_ms, 1234);
  driver_release (&d);
}

static void
test_second_actor (void)
{
  struct driver d;

  driver_init (&d, "{'faults':[{'what':'change','when':'after','times':1,"
                   "'action':'StopInstances','control':{'op':'call',"
                   "'region':'us-east-1','form':{'Action':'CreateTags',"
                   "'Version':'2016-11-15','ResourceId.1':'" WEB "',"
                   "'Tag.1.Key':'mark','Tag.1.Value':'theirs'}}}]}");
  OK ("StopInstances InstanceId.1=" WEB);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (drive_state (d.cloud, WEB, "tagSet"), "theirs"));
  drive_control (d.cloud,
                 "{'op':'call','region':'us-east-1','form':{"
                 "'Action':'TerminateInstances','Version':'2016-11-15',"
                 "'InstanceId.1':'" WEB "'}}");
  IS (WEB, "instanceState.name", "shutting-down");
  driver_release (&d);
}

/* Calls that get through at once, and after ten seconds more. */
static void
test_buckets_are_the_documented_ones (void)
{
  static const struct {
    const char *call;
    int size, after_10_s;
  } rows[] = {
      {"DescribeInstances", 50, 100 > 50 ? 50 : 100},
      {"DescribeInstances InstanceId.1=" WEB, 50, 50},
      {"DescribeInstances MaxResults=5", 100, 100},
      {"DescribeRegions", 100, 100},
      {"StartInstances InstanceId.1=" WEB, 5, 5},
      {"StopInstances InstanceId.1=" OTHER, 50, 50},
      {"CreateTags ResourceId.1=" WEB " Tag.1.Key=a", 100, 100},
      {"ModifyInstanceAttribute InstanceId=" WEB " DisableApiStop.Value=false",
       50, 50},
      {"CreateVolume AvailabilityZone=us-east-1a Size=1", 100, 50},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct driver d;
    int first = 0, second = 0;

    driver_init (&d, NULL);
    while (first < 1000 && strcmp (driver_call (&d, rows[i].call), "ok") == 0)
      first++;
    CU_ASSERT_STRING_EQUAL (d.code, "RequestLimitExceeded");
    CU_ASSERT_EQUAL (d.reply.status, 503);
    driver_wait (&d, 10000);
    while (second < 1000 && strcmp (driver_call (&d, rows[i].call), "ok") == 0)
      second++;
    CU_ASSERT_EQUAL (first, rows[i].size);
    CU_ASSERT_EQUAL (second, rows[i].after_10_s);
    /* Another region has buckets of its own. */
    d.region = "eu-west-1";
    driver_call (&d, rows[i].call);
    CU_ASSERT_STRING_NOT_EQUAL (d.code, "RequestLimitExceeded");
    driver_release (&d);
  }
}

static void
test_start_takes_a_token_per_instance (void)
{
  struct driver d;

  driver_init (&d, "{'throttle':{'scale':0.002}}"); /* 2 tokens of 1000 */
  OK ("StartInstances InstanceId.1=" WEB " InstanceId.2=" HELPER);
  drive_control (d.cloud,
                 "{'op':'switch','name':'throttle.scale','value':0.0021}");
  driver_wait (&d, 250000);
  driver_call (&d, "StartInstances InstanceId.1=" WEB " InstanceId.2=" HELPER
                   " InstanceId.3=" SHOP);
  CU_ASSERT_STRING_EQUAL (d.code, "RequestLimitExceeded");
  drive_control (d.cloud,
                 "{'op':'switch','name':'throttle.enabled','value':false}");
  OK ("StartInstances InstanceId.1=" WEB " InstanceId.2=" HELPER
      " InstanceId.3=" SHOP);
  driver_release (&d);
}

/* Goes through all pages and counts instances. */
static size_t
count_pages (struct driver *d, const char *call, size_t *instances)
{
  size_t pages = 0;
  CLEANUP_FREE char *words = xstrdup (call);

  *instances = 0;
  while (pages < 100 && strcmp (driver_call (d, words), "ok") == 0) {
    const char *next;

    pages++;
    *instances += driver_count (d, "<instanceId>");
    next = driver_xml (d, "nextToken");
    if (*next == '\0')
      return pages;
    free (words);
    words = xasprintf ("%s NextToken=%s", call, next);
  }
  return 0;
}

static void
test_pages (void)
{
  static const char many[] =
      "{'aws':{'instances':[{'count':23,'zone':'us-east-1a','tags':{'n':'{n}'}"
      "}]}}";
  struct driver d;
  size_t n;

  driver_init (&d, many);
  CU_ASSERT_EQUAL (count_pages (&d, "DescribeInstances MaxResults=5", &n), 5);
  CU_ASSERT_EQUAL (n, 23);
  CU_ASSERT_EQUAL (count_pages (&d, "DescribeInstances", &n), 1);
  CU_ASSERT_EQUAL (n, 23);
  drive_control (d.cloud, "{'op':'switch','name':'page_size','value':7}");
  CU_ASSERT_EQUAL (count_pages (&d, "DescribeInstances", &n), 4);
  CU_ASSERT_EQUAL (n, 23);
  /* A page may be empty though it is not the last. */
  drive_control (d.cloud,
                 "{'op':'switch','name':'aws.sparse_pages','value':true}");
  CU_ASSERT_EQUAL (count_pages (&d,
                                "DescribeInstances Filter.1.Name=tag:n "
                                "Filter.1.Value.1=22",
                                &n),
                   4);
  CU_ASSERT_EQUAL (n, 1);
  OK ("DescribeInstances MaxResults=5");
  {
    CLEANUP_FREE char *other =
        xasprintf ("DescribeInstances MaxResults=5 Filter.1.Name=vpc-id "
                   "Filter.1.Value.1=x NextToken=%s",
                   driver_xml (&d, "nextToken"));

    driver_call (&d, other);
    CU_ASSERT_STRING_EQUAL (d.code, "InvalidParameterValue");
  }
  driver_release (&d);
}

static void
test_filters (void)
{
  static const struct {
    const char *filter;
    size_t found;
  } rows[] = {
      {"Filter.1.Name=tag:Name Filter.1.Value.1=web", 1},
      {"Filter.1.Name=tag:Name Filter.1.Value.1=w*", 1},
      {"Filter.1.Name=tag:Name Filter.1.Value.1=we?", 1},
      {"Filter.1.Name=tag:Name Filter.1.Value.1=W*", 0},
      {"Filter.1.Name=tag:Name Filter.1.Value.1=w\\*", 0},
      {"Filter.1.Name=tag:Name Filter.1.Value.1=[w]eb", 0},
      {"Filter.1.Name=tag-key Filter.1.Value.1=Name", 2},
      {"Filter.1.Name=instance-state-name Filter.1.Value.1=stopped "
       "Filter.1.Value.2=pending",
       1},
      {"Filter.1.Name=platform Filter.1.Value.1=windows "
       "Filter.2.Name=instance-state-code Filter.2.Value.1=16",
       1},
      {"Filter.1.Name=block-device-mapping.volume-id "
       "Filter.1.Value.1=" WEB_DATA,
       1},
      {"Filter.1.Name=instance-id Filter.1.Value.1=" NOBODY, 0},
      {"Filter.1.Name=network-interface.association.ip-owner-id "
       "Filter.1.Value.1=amazon",
       1},
  };
  struct driver d;

  driver_init (&d, NULL);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *words =
        xasprintf ("DescribeInstances %s", rows[i].filter);

    OK (words);
    if (driver_count (&d, "<instanceId>") != rows[i].found)
      fprintf (stderr, "filter %s: %zu\n", rows[i].filter,
               driver_count (&d, "<instanceId>"));
    CU_ASSERT_EQUAL (driver_count (&d, "<instanceId>"), rows[i].found);
  }
  driver_release (&d);
}

static void
test_stale_reads (void)
{
  struct driver d;
  CLEANUP_FREE char *describe = NULL;

  driver_init (&d, "{'stale_ms':5000,'new_object_hidden_ms':1000}");
  OK ("StopInstances InstanceId.1=" HELPER);
  OK ("DescribeInstances InstanceId.1=" HELPER);
  CU_ASSERT_EQUAL (driver_count (&d, "<name>running</name>"), 1);
  driver_wait (&d, 5000);
  OK ("DescribeInstances InstanceId.1=" HELPER);
  CU_ASSERT_EQUAL (driver_count (&d, "<name>stopping</name>"), 1);
  IS (HELPER, "instanceState.name", "stopped");
  driver_wait (&d, 5000);
  OK ("DescribeInstances InstanceId.1=" HELPER);
  CU_ASSERT_EQUAL (driver_count (&d, "<name>stopped</name>"), 1);
  OK ("CreateVolume AvailabilityZone=us-east-1a Size=1");
  describe =
      xasprintf ("DescribeVolumes VolumeId.1=%s", driver_xml (&d, "volumeId"));
  CU_ASSERT_STRING_EQUAL (driver_call (&d, describe), "InvalidVolume.NotFound");
  driver_wait (&d, 5000);
  OK (describe);
  driver_release (&d);
}

static void
test_client_tokens (void)
{
  struct driver d;
  CLEANUP_FREE char *id = NULL;
  const char *call = "CreateVolume AvailabilityZone=us-east-1a Size=1 "
                     "ClientToken=t";

  driver_init (&d, "{'throttle':{'enabled':false}}");
  OK (call);
  id = xstrdup (driver_xml (&d, "volumeId"));
  driver_wait (&d, 5000);
  OK (call);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "volumeId"), id);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "available");
  driver_wait (&d, INT64_C (24) * 3600 * 1000);
  OK (call);
  CU_ASSERT_STRING_NOT_EQUAL (driver_xml (&d, "volumeId"), id);
  driver_release (&d);
}

static void
test_texts_are_escaped (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("DescribeInstances InstanceId.1=" HELPER);
  CU_ASSERT_EQUAL (driver_count (&d, "<value>helper &lt;&amp;&gt; co</value>"),
                   1);
  driver_call (&d, "StopInstances InstanceId.1=<&>");
  CU_ASSERT_EQUAL (driver_count (&d, "Invalid id: &quot;&lt;&amp;&gt;&quot;"),
                   1);
  CU_ASSERT_EQUAL (driver_count (&d, "<RequestID>"), 1);
  CU_ASSERT_STRING_EQUAL (http_header_get (&d.reply.headers, "Server"),
                          "AmazonEC2");
  driver_release (&d);
}

/* The same configuration and calls give the same bytes; another seed does not.
 */
static void
test_replay (void)
{
  static const char *const calls[] =
      {"DescribeInstances", "CreateSnapshot VolumeId=" WEB_VOL,
       "StopInstances InstanceId.1=" WEB,
       "CreateVolume AvailabilityZone=us-east-1b Size=2",
       "DescribeVolumes MaxResults=5"};
  static const char *const patches[] =
      {"{'faults':[{'what':'error','probability':0.4}]}",
       "{'faults':[{'what':'error','probability':0.4}]}",
       "{'seed':8,'faults':[{'what':'error','probability':0.4}]}"};
  CLEANUP_FREE char *first = NULL;

  for (size_t run = 0; run < ARRAY_SIZE (patches); run++) {
    CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;
    CLEANUP_JSON json_t *state = NULL, *log = NULL;
    CLEANUP_FREE char *state_text = NULL, *log_text = NULL;
    struct driver d;

    driver_init (&d, patches[run]);
    for (int round = 0; round < 4; round++)
      for (size_t i = 0; i < ARRAY_SIZE (calls); i++) {
        driver_call (&d, calls[i]);
        strbuf_addstr (&all, d.reply.body);
        driver_wait (&d, 700);
      }
    state = fake_cloud_state (d.cloud);
    log = fake_cloud_calls (d.cloud, 0);
    state_text = json_text (state);
    log_text = json_text (log);
    CU_ASSERT_EQUAL (json_array_size (log), 20);
    strbuf_addstr (&all, state_text);
    strbuf_addstr (&all, log_text);
    if (run == 0)
      first = strbuf_take (&all);
    else
      CU_ASSERT_EQUAL (strcmp (first, all.buf) == 0, run == 1);
    driver_release (&d);
  }
}

static void
test_log_names_caller_ids_and_effect (void)
{
  struct driver d;
  CLEANUP_JSON json_t *log = NULL;

  driver_init (&d, NULL);
  OK ("StopInstances InstanceId.1=" WEB);
  OK ("StopInstances InstanceId.1=" OTHER);
  d.key = "AKIAREAD";
  driver_call (&d, "StopInstances InstanceId.1=" HELPER);
  log = fake_cloud_calls (d.cloud, 0);
  CU_ASSERT_TRUE (json_bool (json_array_get (log, 0), "effect", false));
  CU_ASSERT_FALSE (json_bool (json_array_get (log, 1), "effect", true));
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (log, 2), "result", ""),
                          "UnauthorizedOperation");
  CU_ASSERT_STRING_EQUAL (
      json_string_value (
          json_array_get (json_object_get (json_array_get (log, 2), "ids"), 0)),
      HELPER);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (log, 0), "caller", ""),
                          "arn:aws:iam::111122223333:user/operator");
  driver_release (&d);
}

static void
test_bad_configurations_are_refused (void)
{
  static const char *const bad[] = {
      "{\"colour\": 1}",
      "{\"aws\": {}}",
      "{\"aws\": {\"regions\": {}}}",
      "{\"faults\": [{\"what\": \"magic\"}]}",
      "{\"faults\": [{\"what\": \"reset\", \"evry\": 3}]}",
      "{\"aws\": {\"regions\": {}, \"accounts\": {}, \"times\": {\"nap\": 1}}}",
      "{\"aws\": {\"regions\": {}, \"accounts\": {\"1\": {}},"
      " \"instances\": [{\"zone\": \"nowhere\"}]}}",
      "{\"aws\": {\"regions\": {\"r\": {\"zones\": [\"z\"]}},"
      " \"accounts\": {\"1\": {}}, \"instances\": [{\"zone\": \"z\","
      " \"root\": {\"bots\": true}}]}}",
  };
  struct fake_clock clock;

  fake_clock_init (&clock, 0);
  for (size_t i = 0; i < ARRAY_SIZE (bad); i++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *config =
        json_parse (bad[i], strlen (bad[i]), "", NULL);

    CU_ASSERT_PTR_NULL (fake_cloud_new (config, &clock.clock, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  }
}

static const struct unit_case cases[] = {
    {"fault rules", test_fault_rules},
    {"changes that go wrong later", test_changes_that_go_wrong_later},
    {"second actor", test_second_actor},
    {"buckets are the documented ones", test_buckets_are_the_documented_ones},
    {"start takes a token per instance", test_start_takes_a_token_per_instance},
    {"pages", test_pages},
    {"filters", test_filters},
    {"stale reads", test_stale_reads},
    {"client tokens", test_client_tokens},
    {"texts are escaped", test_texts_are_escaped},
    {"replay", test_replay},
    {"log names caller, ids and effect", test_log_names_caller_ids_and_effect},
    {"bad configurations are refused", test_bad_configurations_are_refused},
};
UNIT_MAIN ("fake-cloud/frame", cases)
