/* The rows of the table against libvirt's in-memory driver, whose one domain is
 * "test", and errors, URIs and limits on time. */

#include "unit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <provider-libvirt/connection.h>
#include <provider-libvirt/console.h>
#include <provider-libvirt/errors.h>
#include <provider-libvirt/libvirt-provider.h>
#include <provider-libvirt/limited.h>

static struct binding b = {.provider = &libvirt_provider};

static json_t *
call (enum op_id id, json_t *in_taken, struct err **err)
{
  CLEANUP_JSON json_t *in = in_taken;
  json_t *out = NULL;

  if (libvirt_provider.ops[id].call (&b, in, &out, err) == -1)
    return NULL;
  return out;
}

static json_t *
find (const char *words)
{
  CLEANUP_ERR struct err *err = NULL;
  json_t *selector = NULL;
  json_t *out;

  CU_ASSERT_EQUAL_FATAL (libvirt_provider.parse_selector (words, &selector,
                                                          &err),
                         0);
  out = call (OP_FIND, json_make ("{s:o}", "selector", selector), &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
  return out;
}

static char *
power (void)
{
  CLEANUP_JSON json_t *out = find ("test");
  json_t *vm = json_array_get (json_object_get (out, "vms"), 0);

  return xstrdup (json_str (vm, "power", "none"));
}

static void
test_finds (void)
{
  CLEANUP_JSON json_t *all = find ("*");
  CLEANUP_JSON json_t *some = find ("nobody,test");
  json_t *vm = json_array_get (json_object_get (all, "vms"), 0);

  CU_ASSERT_EQUAL (json_array_size (json_object_get (all, "vms")), 1);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "name", ""), "test");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "account", ""), "test:///default");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "power", ""), "running");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.path", ""),
                          "/guest/diskimage1");
  CU_ASSERT_STRING_EQUAL (
      json_str (json_array_get (json_object_get (vm, "refusals"), 0), "code",
                ""),
      "disk-missing");
  CU_ASSERT_EQUAL (json_array_size (json_object_get (some, "missing")), 1);
}

static void
test_describes (void)
{
  CLEANUP_JSON json_t *all = find ("*");
  const char *id =
      json_str (json_array_get (json_object_get (all, "vms"), 0), "id", "");
  static const char nobody[] = "00000000-0000-4000-8000-000000000001";

  for (int brief = 0; brief < 2; brief++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *out =
        call (OP_DESCRIBE,
              json_make ("{s:[s,s], s:b}", "ids", id, nobody, "brief", brief),
              &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL (out);
    CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "vms")), 1);
    CU_ASSERT_STRING_EQUAL (json_string_value (
                                json_array_get (json_object_get (out, "gone"),
                                                0)),
                            nobody);
  }
}

static void
change (enum op_id id, bool force)
{
  CLEANUP_JSON json_t *all = find ("*");
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out =
      call (id,
            json_make ("{s:O, s:b}", "vms", json_object_get (all, "vms"),
                       "force", force),
            &err);

  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "failed")), 0);
}

static void
test_stops_and_starts (void)
{
  static const struct {
    enum op_id id;
    bool force;
    const char *after;
  } rows[] = {
      {OP_STOP, true, "stopped"},   {OP_STOP, true, "stopped"},
      {OP_START, false, "running"}, {OP_START, false, "running"},
      {OP_STOP, false, "stopped"},  {OP_START, false, "running"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *now = NULL;

    change (rows[i].id, rows[i].force);
    now = power ();
    CU_ASSERT_STRING_EQUAL (now, rows[i].after);
  }
}

static void
test_bad_input_is_an_error (void)
{
  static const enum op_id rows[] =
      {OP_FIND,       OP_DESCRIBE,   OP_STOP,
       OP_START,      OP_MARK,       OP_SERIAL_LOG,
       OP_SCREENSHOT, OP_GUEST_PING, OP_RESTORE_ATTRIBUTES};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (call (rows[i], json_object (), &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  }
}

static int
sleep_long (const struct task *task, json_t **out, struct err **err)
{
  struct timespec tick = {0, 1000000};

  (void)out;
  while (!task_is_given_up (task))
    nanosleep (&tick, NULL);
  return err_set (err, ERR_INTERNAL, "woke up");
}

static void
test_a_call_that_hangs_is_left (void)
{
  const struct limited_work read = {"read", 100, false, sleep_long};
  const struct limited_work write = {"write", 100, true, sleep_long};
  CLEANUP_ERR struct err *one = NULL, *two = NULL;
  CLEANUP_JSON json_t *out = NULL;
  struct timespec settle = {0, 200000000};
  CLEANUP_FREE char *after = NULL;

  CU_ASSERT_EQUAL (limited_run (&read, &b, NULL, &out, &one), -1);
  CU_ASSERT_EQUAL (limited_run (&write, &b, NULL, &out, &two), -1);
  CU_ASSERT_EQUAL (one->code, ERR_TIMEOUT);
  CU_ASSERT_EQUAL (two->code, ERR_UNKNOWN_EFFECT);
  nanosleep (&settle,
             NULL); /* so that the threads are gone for the sanitizer */
  after = power ();
  CU_ASSERT_STRING_EQUAL (after, "running");
}

static void
test_console_text_is_utf8 (void)
{
  static const struct {
    const char *bytes;
    size_t len;
    const char *text;
  } rows[] = {
      {"", 0, ""},
      {"gr\xc3\xbc\xc3\x9f\n\033[1m", 11, "gr\xc3\xbc\xc3\x9f\n\033[1m"},
      {"a\0b", 3, "a\\x00b"},
      {"\xff!", 2, "\\xff!"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JSON json_t *out = json_object ();

    put_console_text (out, rows[i].bytes, rows[i].len);
    CU_ASSERT_STRING_EQUAL (json_str (out, "text", "none"), rows[i].text);
  }
}

static void
test_console_of_nobody_is_empty (void)
{
  struct consoles *consoles = consoles_new ();
  CLEANUP_JSON json_t *first = console_read (consoles, "x", NULL);
  CLEANUP_JSON json_t *second =
      console_read (consoles, "x", json_object_get (first, "after"));

  CU_ASSERT_STRING_EQUAL (json_str (first, "text", "none"), "");
  CU_ASSERT_TRUE (json_equal (first, second));
  consoles_unref (consoles);
}

static void
test_error_codes (void)
{
  static const struct {
    int number, from;
    const char *text;
    enum err_code code;
  } rows[] = {
      {VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, "x", ERR_NOT_FOUND},
      {VIR_ERR_OPERATION_INVALID, VIR_FROM_QEMU, "x", ERR_CONFLICT},
      {VIR_ERR_AUTH_FAILED, VIR_FROM_REMOTE, "x", ERR_AUTH},
      {VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "client socket is closed",
       ERR_TRANSIENT},
      {VIR_ERR_SYSTEM_ERROR, VIR_FROM_RPC, "Cannot recv data", ERR_TRANSIENT},
      {VIR_ERR_OPERATION_TIMEOUT, VIR_FROM_QEMU, "x", ERR_TRANSIENT},
      {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU,
       "process exited: Failed to get \"write\" lock", ERR_CONFLICT},
      {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, "x", ERR_IO},
      {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, NULL, ERR_IO},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    CU_ASSERT_EQUAL (virt_err_code (rows[i].number, rows[i].from, rows[i].text),
                     rows[i].code);
}

static void
test_uris (void)
{
  static const struct {
    const char *uri, *opened;
    bool remote;
  } rows[] = {
      {"qemu:///system", NULL, false},
      {"qemu+unix:///session", NULL, false},
      {"qemu://localhost/system", NULL, false},
      {"test:///default", NULL, false},
      {"qemu://hv-1/system", NULL, true},
      {"qemu+tls://hv-1/system", NULL, true},
      {"qemu+ext:///system?command=x", NULL, true},
      {"qemu+ssh://root@hv-1/system", "qemu+ssh://root@hv-1/system?no_tty=1",
       true},
      {"qemu+ssh://hv-1/system?keyfile=/k",
       "qemu+ssh://hv-1/system?keyfile=/k&no_tty=1", true},
      {"qemu+ssh://hv-1/system?no_tty=0", NULL, true},
      {"not a uri", NULL, false},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *opened = uri_to_open (rows[i].uri);

    CU_ASSERT_STRING_EQUAL (opened,
                            rows[i].opened ? rows[i].opened : rows[i].uri);
    CU_ASSERT_EQUAL (uri_is_remote (rows[i].uri), rows[i].remote);
  }
}

static void
test_unreachable_uris (void)
{
  static const struct {
    const char *uri;
    enum err_code code;
  } rows[] = {
      {"nonsense", ERR_USAGE},
      {"qemu+nosuchway:///system", ERR_USAGE},
      {"qemu+unix:///system?socket=/nonexistent/sock", ERR_TRANSIENT},
      {"test:///nonexistent.xml", ERR_USAGE},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct binding other = {.provider = &libvirt_provider,
                            .config = json_make ("{s:s}", "libvirt-uri",
                                                 rows[i].uri)};
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (libvirt_provider.open (&other, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, rows[i].code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].uri));
    CU_ASSERT_PTR_NULL (strchr (err->msg, '\n'));
    CU_ASSERT_PTR_NULL (other.handle);
    json_decref (other.config);
    free (other.account);
  }
}

static const struct unit_case cases[] = {
    {"finds", test_finds},
    {"describes", test_describes},
    {"stops and starts", test_stops_and_starts},
    {"bad input is an error", test_bad_input_is_an_error},
    {"a call that hangs is left", test_a_call_that_hangs_is_left},
    {"console text is UTF-8", test_console_text_is_utf8},
    {"console of nobody is empty", test_console_of_nobody_is_empty},
    {"error codes", test_error_codes},
    {"URIs", test_uris},
    {"unreachable URIs", test_unreachable_uris},
};

int
main (void)
{
  CLEANUP_ERR struct err *err = NULL;
  int result;

  b.config = json_make ("{s:s}", "libvirt-uri", "test:///default");
  if (libvirt_provider.open (&b, &err) == -1) {
    fprintf (stderr, "%s\n", err->msg);
    return 1;
  }
  result = unit_run ("libvirt-calls", cases, ARRAY_SIZE (cases));
  libvirt_provider.close (&b);
  json_decref (b.config);
  free (b.account);
  return result;
}
