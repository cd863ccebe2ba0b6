#include "requests.h"

#include <stdio.h>
#include <string.h>

#include <net/http.h>
#include <provider-aws/aws-provider.h>
#include <provider-aws/look.h>

#include "quoted.h"

#define VM                                                                     \
  "{'id': 'i-0000000000000000a', 'zone': 'us-east-1a', 'power': 'running',"    \
  " 'attributes': {'root_device': '/dev/sda1', 'instance_type': 't3.large',"   \
  "  'disks': {'/dev/sdf': {'delete_on_termination': false}}},"                \
  " 'facts': {'asg': 'g', 'tenancy': 'host', 'keys': ['arn:aws:kms:x']},"      \
  " 'os_disk': " DISK "}"
#define DISK                                                                   \
  "{'id': 'vol-0000000000000000a', 'size_bytes': 107374182400,"                \
  " 'attributes': {'device': '/dev/sda1',"                                     \
  " 'type': 'gp3', 'iops': 4000, 'throughput': 200, 'encrypted': true,"        \
  " 'kms_key': 'arn:aws:kms:x', 'delete_on_termination': true,"                \
  " 'tags': {'a': 'b'}}}"

static const struct {
  enum op_id op;
  const char *in;
} plain[] = {
    {OP_IDENTIFY, "{}"},
    {OP_STOP, "{'vms': [" VM "], 'force': true}"},
    {OP_START, "{'vms': [" VM ", " VM "]}"},
    {OP_MARK, "{'vms': [" VM "], 'mark': {'campaign': 'c', 'controller': 'h',"
              " 'since': 's'}}"},
    {OP_UNMARK, "{'vms': [" VM "], 'mark': {'campaign': 'c'}}"},
    {OP_DETACH_OS, "{'vm': " VM ", 'disk': " DISK ", 'force': true}"},
    {OP_ATTACH_OS, "{'vm': " VM ", 'disk': " DISK "}"},
    {OP_RESTORE_ATTRIBUTES,
     "{'vm': " VM ", 'saved': {'attributes': {'root_device': '/dev/sda1',"
     " 'disks': {'/dev/sdf': {'delete_on_termination': true}}}}}"},
    {OP_HELPER_ATTACH,
     "{'helper': " VM ", 'disks': [{'disk': " DISK ", 'slot': '/dev/sdf'}]}"},
    {OP_HELPER_DETACH, "{'helper': " VM ", 'disks': [{'disk': " DISK
                       ", 'slot': '/dev/sdf'}], 'force': true}"},
    {OP_SNAPSHOT, "{'vm': " VM ", 'disk': " DISK ", 'token': 't', 'name': 'n',"
                  " 'tags': {'bootmend:campaign': 'c'}}"},
    {OP_SNAPSHOTS, "{'vm': " VM ", 'disk': " DISK ", 'page': {'token': 'p'}}"},
    {OP_LEAVE_GROUP, "{'vm': {'id': 'i-1', 'group': {'name': 'g'}}}"},
    {OP_JOIN_GROUP, "{'vm': {'id': 'i-1', 'group': {'name': 'g'}}}"},
    {OP_DISK_FROM, "{'vm': " VM ", 'source': {'kind': 'snapshot',"
                   " 'id': 'snap-1'}, 'token': 't', 'name': 'n', 'tags': {}}"},
    {OP_SWAP_OS, "{'vm': " VM ", 'disk': " DISK ", 'token': 't'}"},
    {OP_KEEP, "{'disk': " DISK ", 'keep': true,"
              " 'tags': {'bootmend-campaign': 'c'}}"},
    {OP_KEEP, "{'disk': " DISK ", 'keep': false,"
              " 'tags': {'bootmend-campaign': 'c'}}"},
    {OP_DELETE, "{'kind': 'snapshot', 'id': 'snap-1'}"},
    {OP_DELETE, "{'kind': 'disk', 'id': 'vol-1'}"},
    {OP_FIND_CREATED, "{'campaign': 'c', 'page': {'token': 'p'}}"},
    {OP_SERIAL_LOG, "{'vm': " VM "}"},
    {OP_SCREENSHOT, "{'vm': " VM "}"},
    {OP_PREFLIGHT, "{'vm': " VM "}"},
    {OP_STOP, "{'vms': [" VM "], 'dry_run': true}"},
};

static void
show (const struct binding *b, enum op_id op, const json_t *in,
      const char *what,
      void (*see) (void *opaque, const char *what,
                   const struct http_request *req),
      void *opaque)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_ERR struct err *err = NULL;

  if (b->provider->ops[op].build (b, in, &req, &err) == -1)
    fprintf (stderr, "requests: %s: %s\n", what, err->msg);
  else
    see (opaque, what, &req);
}

/* Every phase, as if the ones before had found one VM that has all of it. */
static void
show_phases (const struct binding *b, const struct look *look, enum op_id op,
             const char *in_text,
             void (*see) (void *opaque, const char *what,
                          const struct http_request *req),
             void *opaque)
{
  CLEANUP_JSON json_t *in = quoted_json (in_text);

  for (size_t i = 0; i < look->n; i++) {
    json_t *page =
        quoted_json ("{'vms': [" VM "], 'caller': 'arn:aws:iam::1:user/u',"
                     " 'at': 0, 'token': 'p'}");
    struct look_at at = {.b = b, .in = in, .state = page};
    CLEANUP_FREE char *what =
        xasprintf ("%s/%s", b->provider->ops[op].name, look->phases[i]->name);

    json_put_str (page, "phase", look->phases[i]->name);
    json_put (page, "items", look->phases[i]->items (&at));
    json_put (in, "page", page);
    show (b, op, in, what, see, opaque);
  }
}

void
each_request (void (*see) (void *opaque, const char *what,
                           const struct http_request *req),
              void *opaque)
{
  struct binding b = {.provider = &aws_provider,
                      .account = xstrdup ("111122223333"),
                      .region = xstrdup ("eu-west-1"),
                      .config = quoted_json ("{'kms-check': 'grant'}")};

  for (size_t i = 0; i < ARRAY_SIZE (plain); i++) {
    CLEANUP_JSON json_t *in = quoted_json (plain[i].in);

    show (&b, plain[i].op, in, aws_provider.ops[plain[i].op].name, see, opaque);
  }
  show_phases (&b, &aws_look_vms, OP_FIND,
               "{'selector': {'impaired': true, 'ids': ['i-1', 'i-2'],"
               " 'filters': [{'name': 'tag:Name', 'values': ['a', 'b*']}]}}",
               see, opaque);
  show_phases (&b, &aws_look_disks, OP_DESCRIBE_DISKS,
               "{'ids': ['vol-1', 'snap-1', 'replacevol-1']}", see, opaque);
  free (b.account);
  free (b.region);
  json_decref (b.config);
}

char *
action_of (const struct http_request *req)
{
  const char *target = http_header_get (&req->headers, "X-Amz-Target");
  const char *action = strstr (req->body, "Action=");

  if (target)
    return xstrdup (strchr (target, '.') + 1);
  return action ? xstrndup (action + 7, strcspn (action + 7, "&"))
                : xstrdup ("?");
}
