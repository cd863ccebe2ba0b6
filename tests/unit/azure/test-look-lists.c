/* Looks at many: lists, put together; and what they leave out. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>

#include "play.h"

#define RG        SUB "/resourceGroups/G/providers/Microsoft.Compute"
#define ARM       "GET https://management.azure.com"
#define GROUP_URL SUB "/resourcegroups/g/providers/Microsoft.Compute"
#define NEXT      "https://management.azure.com/next?$skiptoken=a%20b"

#define MODEL                                                                  \
  "{'id':'" RG "/virtualMachines/Vm%u','name':'Vm%u','location':'westus',"     \
  "'tags':{'n':'%u'},'properties':{'hardwareProfile':{'vmSize':'D2'},"         \
  "'storageProfile':{'osDisk':{'name':'D%u','managedDisk':{'id':'" RG          \
  "/disks/D%u'}}}}}"
#define VIEW                                                                   \
  "{'id':'" RG "/virtualMachines/vM%u','name':'x%u','location':'westus',"      \
  "'properties':{'instanceView':{'vmAgent':{'statuses':[{'displayStatus':"     \
  "'%s'}]},'statuses':[{'code':'PowerState/running'}]}}}"
#define DISK_BODY                                                              \
  "{'id':'" RG "/disks/D%u','location':'westus','sku':{'name':'S'},"           \
  "'managedBy':'" RG "/virtualMachines/vm%u','properties':{'diskSizeBytes':"   \
  "%u,'diskState':'Attached','provisioningState':'Succeeded'}}"

enum form {
  MODELS,
  VIEWS, /* as statusOnly shows them: no tags, no disks */
  DISKS
};

/* The page of a list; numbers from first to last, without `without`; of views,
 * odd ones are not ready. */
static char *
page (enum form form, unsigned first, unsigned last, unsigned without,
      const char *link)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "{'value':[");
  for (unsigned n = first; n <= last; n++) {
    if (n == without)
      continue;
    if (sb.buf[sb.len - 1] == '}')
      strbuf_addch (&sb, ',');
    if (form == MODELS)
      strbuf_addf (&sb, MODEL, n, n, n, n, n);
    else if (form == VIEWS)
      strbuf_addf (&sb, VIEW, n, n, n % 2 ? "Not Ready" : "Ready");
    else
      strbuf_addf (&sb, DISK_BODY, n, n, n * 1024);
  }
  strbuf_addf (&sb, "]%s%s%s}", link ? ",'nextLink':'" : "", link ? link : "",
               link ? "'" : "");
  return strbuf_take (&sb);
}

/* {"ids": of so many, flag: true} */
static char *
in_of (const char *type, unsigned n, const char *flag)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addf (&sb, "{'%s':true,'ids':[", flag);
  for (unsigned i = 1; i <= n; i++)
    strbuf_addf (&sb, "%s'" GROUP "/%s%u'", i > 1 ? "," : "", type, i);
  strbuf_addstr (&sb, "]}");
  return strbuf_take (&sb);
}

#define MOST 8
struct answers {
  struct play_reply replies[MOST];
  char *bodies[MOST];
  size_t n;
};

static void
answer (struct answers *a, int status, char *body_taken)
{
  a->bodies[a->n] = body_taken;
  a->replies[a->n++] = (struct play_reply){status, NULL, body_taken};
}

static void
forget (struct answers *a)
{
  for (size_t i = 0; i < a->n; i++)
    free (a->bodies[i]);
  memset (a, 0, sizeof *a);
}

static void
sent (const struct play *p, const char *what)
{
  if (strstr (p->sent, what) == NULL)
    fprintf (stderr, "sent: %s\nnot: %s\n", p->sent, what);
  CU_ASSERT_PTR_NOT_NULL (strstr (p->sent, what));
}

static const json_t *
vm_of (const struct play *p, unsigned n)
{
  CLEANUP_FREE char *id = xasprintf (GROUP "/virtualmachines/vm%u", n);
  json_t *vm;
  size_t i;

  json_array_foreach (json_at (p->out, "vms"), i, vm)
  {
    if (strcmp (json_str (vm, "id", ""), id) == 0)
      return vm;
  }
  return NULL;
}

/* Two lists, the first of two pages; the third VM is in the models alone, the
 * seventh in no list, so that both are asked for by themselves. */
static void
test_brief (void)
{
  CLEANUP_FREE char *in = in_of ("virtualmachines/vm", 7, "brief");
  struct answers a = {.n = 0};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  answer (&a, 200, page (MODELS, 1, 4, 0, NEXT));
  answer (&a, 200, page (MODELS, 5, 6, 0, NULL));
  answer (&a, 200, page (VIEWS, 1, 9, 3, NULL));
  answer (&a, 404, xstrdup ("{'error':{'code':'ResourceNotFound'}}"));
  answer (&a, 200,
          xstrdup ("{'id':'" RG "/virtualMachines/vm3','properties':{"
                   "'instanceView':{'statuses':[{'code':"
                   "'PowerState/deallocated'}]}}}"));
  play (&p, OP_DESCRIBE, in, a.replies, a.n);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "vms")), 6);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "gone")), 1);
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 1), "power", ""), "running");
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 1), "health", ""), "impaired");
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 2), "health", ""), "ok");
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 2), "tags.n", ""), "2");
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 6), "os_disk.id", ""),
                          GROUP "/disks/D6");
  CU_ASSERT_STRING_EQUAL (json_str (vm_of (&p, 3), "power", ""), "stopped");
  sent (&p, ARM GROUP_URL "/virtualMachines?api-version=2024-11-01\n");
  sent (&p, "GET " NEXT "\n");
  sent (&p, ARM SUB "/providers/Microsoft.Compute/virtualMachines?"
                    "statusOnly=true&api-version=2024-11-01\n");
  forget (&a);
}

/* With disks and sizes; one disk is not in the list. */
static void
test_whole (void)
{
  CLEANUP_FREE char *in = in_of ("virtualmachines/vm", 6, "preflight");
  struct answers a = {.n = 0};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  answer (&a, 200, page (MODELS, 1, 6, 0, NEXT)); /* all: no second page */
  answer (&a, 200, page (VIEWS, 1, 6, 0, NULL));
  answer (&a, 200, page (DISKS, 1, 6, 2, NULL));
  answer (&a, 200, xstrdup ("{'value':[{'name':'d2','maxDataDiskCount':4}]}"));
  answer (&a, 200,
          xstrdup ("{'id':'" RG "/disks/D2','location':'westus','sku':{"
                   "'name':'S'},'properties':{'diskSizeBytes':7}}"));
  answer (&a, 200, xstrdup ("{'value':[{'name':'d2','maxDataDiskCount':4}]}"));
  play (&p, OP_DESCRIBE, in, a.replies, a.n);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "vms")), 6);
  for (unsigned n = 1; n <= 6; n++) {
    CU_ASSERT_EQUAL (json_int (vm_of (&p, n), "os_disk.size_bytes", 0),
                     n == 2 ? 7 : n * 1024);
    CU_ASSERT_EQUAL (json_int (vm_of (&p, n), "facts.max_data_disks", 0), 4);
    CU_ASSERT_PTR_NOT_NULL (json_at (vm_of (&p, n), "warnings"));
  }
  sent (&p, ARM GROUP_URL "/disks?api-version=2024-03-02\n");
  sent (&p, ARM SUB "/providers/Microsoft.Compute/locations/westus/vmSizes?"
                    "api-version=2024-11-01\n");
  forget (&a);
}

/* Impaired ones of many: few are left, whose disks are asked for one by one. */
static void
test_find (void)
{
  struct answers a = {.n = 0};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  answer (&a, 200, page (MODELS, 1, 7, 0, NULL));
  answer (&a, 200, page (VIEWS, 1, 7, 0, NULL));
  for (unsigned i = 0; i < 4; i++)
    answer (&a, 404, xstrdup ("{'error':{'code':'ResourceNotFound'}}"));
  play (&p, OP_FIND, "{'selector':{'impaired':true}}", a.replies, a.n);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "vms")), 4);
  CU_ASSERT_PTR_NULL (vm_of (&p, 2));
  forget (&a);
}

/* A subscription that is far larger than what is asked about: no more pages
 * than single requests would have cost. */
static void
test_too_long (void)
{
  CLEANUP_FREE char *in = in_of ("disks/D", 6, "x");
  struct play_reply replies[14];
  CLEANUP_FREE char *first = page (DISKS, 1, 5, 0, NEXT);
  CLEANUP_FREE char *others = page (DISKS, 100, 110, 0, NEXT);
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < 8; i++)
    replies[i] = (struct play_reply){200, NULL, i ? others : first};
  replies[8] = (struct play_reply){404, NULL, "{'error':{'code':'NotFound'}}"};
  play (&p, OP_DESCRIBE_DISKS, in, replies, 9);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "disks")), 5);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "gone")), 1);
  sent (&p, ARM GROUP "/disks/D6?api-version=2024-03-02\n");
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (p.out, "disks"),
                                                    0),
                                    "id", ""),
                          GROUP "/disks/D1");
}

/* What a campaign has made and keeps, of disks and snapshots; all campaigns'.
 */
static void
test_created (void)
{
  static const struct play_reply replies[] = {
      {200, NULL,
       "{'value':[{'id':'" RG "/disks/bootmend-c-1-disk','tags':{"
       "'Bootmend-Campaign':'c'}},{'id':'" RG "/disks/plain'},{'id':'" RG
       "/disks/Own','tags':{'bootmend-campaign':'c','bootmend-kept-for':'x'}}],"
       "'nextLink':'" NEXT "'}"},
      {200, NULL,
       "{'value':[{'id':'" RG "/disks/t','tags':{'bootmend-campaign':'d'}}]}"},
      {200, NULL,
       "{'value':[{'id':'" RG "/snapshots/s','tags':{'bootmend-campaign':'c'"
       "}}]}"}};
  CLEANUP_JSON json_t *wanted =
      quoted_json ("[{'kind':'disk','id':'" GROUP "/disks/bootmend-c-1-disk',"
                   "'token':'bootmend-c-1-disk','campaign':'c'},"
                   "{'kind':'disk','id':'" GROUP "/disks/Own','token':'',"
                   "'campaign':'c'},{'kind':'snapshot','id':'" GROUP
                   "/snapshots/s','token':'s','campaign':'c'}]");
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_FIND_CREATED, "{'campaign':'c'}", replies, 3);
  CU_ASSERT (json_equal (json_at (p.out, "created"), wanted));
  sent (&p, "/snapshots?api-version=2024-03-02\n");
  play (&p, OP_FIND_CREATED, "{}", replies, 3);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "created")), 4);
}

/* Which limit the next request counts in. */
static void
test_class (void)
{
  CLEANUP_FREE char *few = in_of ("disks/D", 5, "x");
  CLEANUP_FREE char *many = in_of ("disks/D", 6, "x");
  CLEANUP_JSON json_t *one = quoted_json (few), *all = quoted_json (many);
  const struct provider_op *row = &azure_provider.ops[OP_DESCRIBE_DISKS];
  CLEANUP_PLAY struct play p;

  play_init (&p);
  CU_ASSERT_STRING_EQUAL (row->class_of (&p.binding, one), "read");
  CU_ASSERT_STRING_EQUAL (row->class_of (&p.binding, all), "list");
}

static const struct unit_case tests[] = {
    {"brief", test_brief}, {"whole", test_whole},
    {"find", test_find},   {"too long", test_too_long},
    {"class", test_class}, {"created", test_created},
};

UNIT_MAIN ("azure look: lists", tests)
