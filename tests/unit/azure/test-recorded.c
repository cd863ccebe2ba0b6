/* Recorded traffic of Azure Resource Manager: every exchange whose operation
 * the provider uses must be read as what it is.
 *
 * The recordings are not part of the project: BOOTMEND_TEST_SPECS names a
 * folder with azure/recordings/NAME.jsonl, one exchange a line: {method, uri,
 * status, headers, response}; without it this is skipped, and says so. */

#include "unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <provider-azure/ids.h>

#include <base/files.h>
#include <net/http.h>

#include "play.h"

static struct play *player;
static const json_t *exchange; /* the one that is being read */
static unsigned used, unused;

static const char *
said (const char *path)
{
  return json_str (exchange, path, "");
}

/* "/subscriptions/...": the path of the request. */
static char *
path_of (void)
{
  const char *uri = said ("uri");
  const char *start = strstr (uri, "/subscriptions/");

  return start ? xstrndup (start, strcspn (start, "?")) : xstrdup ("");
}

static json_t *
read_as (enum op_id op, const json_t *in)
{
  const char *const names[] = {"azure-asyncoperation", "location",
                               "x-ms-failure-cause"};
  const json_t *body = json_object_get (exchange, "response");
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  CLEANUP_FREE char *text =
      json_is_object (body) ? json_text (body) : xstrdup ("");
  CLEANUP_ERR struct err *err = NULL;
  json_t *out = NULL;

  reply.status = (int)json_int (exchange, "status", 0);
  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    const char *value = json_string_value (
        json_object_get (json_object_get (exchange, "headers"), names[i]));

    if (value)
      http_header_add (&reply.headers, names[i], value);
  }
  http_reply_set_body (&reply, text, strlen (text));
  if (azure_provider.ops[op].parse (&player->binding, in, &reply, &out, &err) ==
      -1)
    fprintf (stderr, "%s %s: %s\n", said ("method"), said ("uri"), err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
  used++;
  return out;
}

/* What the instance view says, read independently: the text itself. */
static void
check_power (const json_t *vm)
{
  CLEANUP_FREE char *text = json_text (json_object_get (exchange, "response"));
  static const char *const words[][2] = {{"\"PowerState/running\"", "running"},
                                         {"\"PowerState/stopped\"", "stopped"},
                                         {"\"PowerState/deallocated\"",
                                          "stopped"}};

  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (strstr (text, words[i][0]))
      CU_ASSERT_STRING_EQUAL (json_str (vm, "power", ""), words[i][1]);
}

static void
read_vm (const char *path)
{
  CLEANUP_FREE char *id = azure_vm_id (path);
  CLEANUP_JSON json_t *in = json_make ("{s:[s],s:b}", "ids", id, "brief", 1);
  CLEANUP_JSON json_t *out = read_as (OP_DESCRIBE, in);
  const json_t *vm = json_array_get (json_at (out, "vms"), 0);
  const char *disk = said ("response.properties.storageProfile.osDisk."
                           "managedDisk.id");
  const char *mine = json_str (vm, "os_disk.id", "");

  if (json_int (exchange, "status", 0) == 404) {
    CU_ASSERT_EQUAL (json_array_size (json_at (out, "gone")), 1);
    return;
  }
  CU_ASSERT_EQUAL (strcasecmp (json_str (vm, "id", ""), path), 0);
  CU_ASSERT_EQUAL (strcasecmp (mine, disk), 0);
  CU_ASSERT_EQUAL (
      json_object_size (json_at (vm, "attributes.disks")),
      json_array_size (
          json_at (exchange, "response.properties.storageProfile.dataDisks")));
  CU_ASSERT_EQUAL (*said (
                       "response.properties.storageProfile.osDisk.vhd.uri") !=
                       '\0',
                   *json_str (vm, "facts.unmanaged", "") != '\0');
  check_power (vm);
}

static void
read_list (void)
{
  CLEANUP_JSON json_t *in = json_make ("{s:{s:b}}", "selector", "all", 1);
  CLEANUP_JSON json_t *out = read_as (OP_FIND, in);
  size_t n = json_array_size (json_at (exchange, "response.value"));

  /* Few are asked for one by one; more lists go on with many. */
  CU_ASSERT_EQUAL (json_array_size (json_at (out, "next.queue")),
                   *said ("response.nextLink") || n >= 6 ? 1 : n);
}

static void
read_item (const char *path)
{
  CLEANUP_JSON json_t *in = json_make ("{s:[s]}", "ids", path);
  CLEANUP_JSON json_t *out = read_as (OP_DESCRIBE_DISKS, in);
  const json_t *disk = json_array_get (json_at (out, "disks"), 0);
  const char *owner = said ("response.managedBy");
  bool snapshot = strcasestr (path, "/snapshots/") != NULL;

  if (json_int (exchange, "status", 0) == 404) {
    CU_ASSERT_EQUAL (json_array_size (json_at (out, "gone")), 1);
    return;
  }
  CU_ASSERT_STRING_EQUAL (json_str (disk, "id", ""), path);
  CU_ASSERT_STRING_EQUAL (json_str (disk, "kind", ""),
                          snapshot ? "snapshot" : "disk");
  CU_ASSERT_EQUAL (json_int (disk, "size_bytes", -1),
                   json_int (exchange, "response.properties.diskSizeBytes",
                             json_int (exchange,
                                       "response.properties.diskSizeGB", -1)
                                 << 30));
  CU_ASSERT_EQUAL (strcasecmp (json_str (disk, "attached_to", ""), owner), 0);
  CU_ASSERT_EQUAL (strcmp (json_str (disk, "state", ""), "attached") == 0,
                   *owner != '\0');
}

static void
read_operation (void)
{
  bool monitor = strstr (said ("uri"), "monitor=true") != NULL;
  CLEANUP_JSON json_t *in =
      json_make ("{s:{s:{s:s,s:s}}}", "page", "follow", "url", said ("uri"),
                 "kind", monitor ? "location" : "async");
  CLEANUP_JSON json_t *out = read_as (OP_START, in);
  bool going = monitor ? json_int (exchange, "status", 0) == 202
                       : strcmp (said ("response.status"), "Succeeded") != 0;

  CU_ASSERT_EQUAL (json_object_get (out, "next") != NULL, going);
}

/* A change is accepted: its operation is what is asked about next. */
static void
read_change (enum op_id op)
{
  CLEANUP_JSON json_t *in =
      quoted_json ("{'disk':{'id':'" DISK "'},'token':'t'}");
  CLEANUP_JSON json_t *out = read_as (op, in);
  const char *url =
      json_string_value (json_object_get (json_object_get (exchange, "headers"),
                                          "azure-asyncoperation"));

  CU_ASSERT_PTR_NOT_NULL_FATAL (url);
  CU_ASSERT_STRING_EQUAL (json_str (out, "next.follow.url", ""), url);
  CU_ASSERT_EQUAL (json_int (out, "after_ms", 0), 5000);
}

static void
read_sizes (void)
{
  CLEANUP_JSON json_t *in = quoted_json (
      "{'ids':['" VM "'],'page':{'queue':[{'what':'sizes','vm':{'id':'" VM
      "','facts':{},'attributes':{'vm_size':'standard_ds1_v2'}}}]}}");
  CLEANUP_JSON json_t *out = read_as (OP_DESCRIBE, in);

  CU_ASSERT_EQUAL (json_int (json_array_get (json_at (out, "vms"), 0),
                             "facts.max_data_disks", 0),
                   4);
}

static bool
ends_with (const char *text, const char *end)
{
  size_t n = strlen (text), len = strlen (end);

  return n >= len && strcasecmp (text + n - len, end) == 0;
}

static void
read_get (const char *path)
{
  if (azure_is_id (path, "virtualmachines"))
    read_vm (path);
  else if (azure_is_id (path, "disks") || azure_is_id (path, "snapshots"))
    read_item (path);
  else if (strcasestr (path, "operations/"))
    read_operation ();
  else if (ends_with (path, "/virtualMachines"))
    read_list ();
  else if (ends_with (path, "/vmSizes"))
    read_sizes ();
  else
    unused++;
}

static void
read_exchange (void)
{
  CLEANUP_FREE char *path = path_of ();
  const char *method = said ("method");

  if (strcmp (method, "GET") == 0)
    read_get (path);
  else if (ends_with (path, "/powerOff"))
    read_change (OP_STOP);
  else if (ends_with (path, "/start"))
    read_change (OP_START);
  else if (strcmp (method, "PUT") == 0 && azure_is_id (path, "disks"))
    read_change (OP_DISK_FROM);
  else if (strcmp (method, "PUT") == 0 && azure_is_id (path, "snapshots"))
    read_change (OP_SNAPSHOT);
  else if (strcmp (method, "PUT") == 0 && azure_is_id (path, "virtualmachines"))
    read_change (OP_SWAP_OS);
  else
    unused++;
}

static void
test_all (void)
{
  CLEANUP_FREE char *pattern =
      xasprintf ("%s/azure/recordings/*.jsonl", getenv ("BOOTMEND_TEST_SPECS"));
  CLEANUP_PLAY struct play p;
  glob_t found = {0};

  play_init (&p);
  player = &p;
  CU_ASSERT_EQUAL_FATAL (glob (pattern, 0, NULL, &found), 0);
  for (size_t i = 0; i < found.gl_pathc; i++) {
    CLEANUP_FREE char *text = NULL;
    char *rest, *line;
    size_t len;

    CU_ASSERT_EQUAL_FATAL (file_read (found.gl_pathv[i], 64 << 20, &text, &len,
                                      NULL),
                           0);
    rest = text;
    while ((line = strsep (&rest, "\n")) != NULL) {
      CLEANUP_JSON json_t *parsed = json_loads (line, 0, NULL);

      exchange = parsed;
      if (parsed)
        read_exchange ();
    }
  }
  globfree (&found);
  printf ("%u exchanges read, %u of operations that are not used\n", used,
          unused);
  CU_ASSERT (used >= 150);
}

static const struct unit_case tests[] = {{"all recordings", test_all}};

int
main (void)
{
  if (getenv ("BOOTMEND_TEST_SPECS") == NULL) {
    puts ("SKIP: BOOTMEND_TEST_SPECS names no folder with recorded traffic");
    return 77;
  }
  return unit_run ("azure recorded", tests, ARRAY_SIZE (tests));
}
