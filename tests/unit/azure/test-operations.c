/* Changes: what is sent, and how the operation behind it is followed. */

#include "unit.h"

#include <string.h>

#include "play.h"

#define OPS                                                                    \
  "https://management.azure.com" SUB                                           \
  "/providers/Microsoft.Compute/locations/westus/operations/1"
#define ASYNC     "Azure-AsyncOperation: " OPS "?p=a&api-version=2024-11-01"
#define MONITOR   "Location: " OPS "?monitor=true"
#define STOP_REST "'vms':[{'id':'" VM "'}],'force':true}"
#define STOP_IN   "{" STOP_REST
#define RECORD                                                                 \
  "{'id':'" VM "','attributes':{'location':'westus'},'os_disk':{'id':'" DISK   \
  "','size_bytes':136365211648,'attributes':{'caching':'ReadWrite','delete_"   \
  "option':'Delete',"                                                          \
  "'create_option':'FromImage','write_accelerator':true,'like':{"              \
  "'location':'westus','zones':['2'],'sku':'Premium_LRS','tags':{'a':'b'},"    \
  "'properties':{'hyperVGeneration':'V2','osType':'Windows',"                  \
  "'securityProfile':{'securityType':'TrustedLaunch'}}}}}}"

static void
test_follow (void)
{
  static const struct play_reply replies[] = {
      {202, ASYNC "\n" MONITOR "\nRetry-After: 7", ""},
      {200, "Retry-After: 3", "{'status':'InProgress'}"},
      {503, NULL, "{'error':{'code':'ServerTimeout','message':'x'}}"},
      {200, NULL, "{'status':'Succeeded'}"},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_STOP, STOP_IN, replies, 4);
  CU_ASSERT_PTR_NULL (p.err);
  CU_ASSERT_PTR_NOT_NULL (json_at (p.out, "failed"));
  CU_ASSERT_EQUAL (p.waited_ms, 7000 + 3000 + 5000);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (p.sent, "POST https://management.azure.com" VM
                      "/powerOff?skipShutdown=true&api-version=2024-11-01\n"));
  CU_ASSERT_PTR_NOT_NULL (
      strstr (p.sent, "GET " OPS "?p=a&api-version=2024-11-01\n"));
}

/* Location alone: 202 while it runs, then the result. */
static void
test_location (void)
{
  static const struct play_reply replies[] = {{202, MONITOR, ""},
                                              {202, MONITOR, ""},
                                              {200, NULL, ""}};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_STOP, STOP_IN, replies, 3);
  CU_ASSERT_PTR_NULL (p.err);
  CU_ASSERT_EQUAL (p.waited_ms, 10000);
}

static void
test_ends (void)
{
  static const struct {
    struct play_reply last;
    enum err_code code;
    const char *says;
  } rows[] = {
      {{200, NULL,
        "{'status':'Failed','error':{'code':'AllocationFailed','message':'A'}"
        "}"},
       ERR_CONFLICT,
       "no room"},
      {{200, NULL,
        "{'status':'Failed','error':{'code':'VMStartTimedOut','message':'A'}}"},
       ERR_UNKNOWN_EFFECT,
       "VMStartTimedOut"},
      {{200, NULL, "{'status':'Canceled'}"}, ERR_REFUSED, "Canceled"},
      {{200, NULL, "{'status':'Failed','error':{'code':'New','message':'x'}}"},
       ERR_REFUSED,
       "New: x"},
      {{200, NULL, "<html>"}, ERR_UNKNOWN_EFFECT, "proxy"},
      {{401, NULL, "{'error':{'code':'ExpiredAuthenticationToken'}}"},
       ERR_AUTH,
       "Expired"},
      /* may not be followed, and forgotten already */
      {{403, NULL, "{'error':{'code':'AuthorizationFailed'}}"}, 0, NULL},
      {{404, NULL, "{'error':{'code':'NotFound'}}"}, 0, NULL},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct play_reply replies[] = {{202, ASYNC, ""}, rows[i].last};

    play (&p, OP_START, STOP_IN, replies, 2);
    CU_ASSERT_EQUAL (p.err ? p.err->code : 0, rows[i].code);
    if (p.err && rows[i].says)
      CU_ASSERT_PTR_NOT_NULL (strstr (p.err->msg, rows[i].says));
  }
}

/* An operation that never ends is given up, not followed for ever: when nobody
 * waits for its effect any more, if it is said how long that is. */
static void
test_endless (void)
{
  static const struct {
    const char *in;
    unsigned least, most; /* requests */
    const char *says;
  } rows[] = {{STOP_IN, 20, 30, "has not ended within"},
              {"{'limit_ms': 600000, " STOP_REST, 6, 9, "10 min"}};

  for (size_t row = 0; row < ARRAY_SIZE (rows); row++) {
    struct play_reply replies[64];
    CLEANUP_PLAY struct play p;

    play_init (&p);
    for (size_t i = 0; i < ARRAY_SIZE (replies); i++)
      replies[i] =
          (struct play_reply){i ? 200 : 202, ASYNC "\nRetry-After: 100",
                              "{'status':'InProgress'}"};
    play (&p, OP_STOP, rows[row].in, replies, ARRAY_SIZE (replies));
    CU_ASSERT_PTR_NOT_NULL_FATAL (p.err);
    CU_ASSERT_EQUAL (p.err->code, ERR_UNKNOWN_EFFECT);
    CU_ASSERT_PTR_NOT_NULL (strstr (p.err->msg, rows[row].says));
    CU_ASSERT (p.requests > rows[row].least && p.requests < rows[row].most);
  }
}

/* Our token goes nowhere else; a header of 5 KB is followed as it is. */
static void
test_hosts (void)
{
  static const struct {
    const char *host;
    bool good;
  } rows[] = {
      {"https://management.azure.com", true},
      {"https://westus.management.azure.com", true},
      {"https://MANAGEMENT.azure.com", true},
      {"http://management.azure.com", false},
      {"https://evil.example", false},
      {"https://evilmanagement.azure.com", false},
      {"https://management.azure.com@evil.example", false},
      {"https://management.azure.com:444", false},
      {"https://evil.example\\.management.azure.com", false},
  };
  char filler[5001];
  CLEANUP_PLAY struct play p;

  play_init (&p);
  memset (filler, 'x', sizeof filler - 1);
  filler[sizeof filler - 1] = '\0';
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *header =
        xasprintf ("Azure-AsyncOperation: %s/?p=%s", rows[i].host, filler);
    struct play_reply replies[] = {{202, header, ""},
                                   {200, NULL, "{'status':'Succeeded'}"}};

    play (&p, OP_STOP, STOP_IN, replies, 2);
    CU_ASSERT_EQUAL (p.err == NULL, rows[i].good);
    CU_ASSERT_EQUAL (p.requests, rows[i].good ? 2 : 1);
    if (rows[i].good)
      CU_ASSERT_PTR_NOT_NULL (strstr (p.sent, filler));
  }
}

static const struct {
  enum op_id op;
  const char *in, *sends;
} sent_rows[] = {
    {OP_START, STOP_IN, "POST https://management.azure.com" VM "/start?api"},
    {OP_STOP, "{'vms':[{'id':'" VM "'}]}", "skipShutdown=false&api"},
    {OP_HELPER_ATTACH,
     "{'helper':{'id':'" VM "'},'disks':[{'disk':{'id':'" DISK
     "'},'slot':'3'},{'disk':{'id':'" DISK "2'},'slot':'0'}]}",
     "/attachDetachDataDisks?api-version=2024-11-01\n"
     "{\"dataDisksToAttach\":[{\"caching\":\"None\",\"deleteOption\":"
     "\"Detach\",\"diskId\":\"" DISK "\",\"lun\":3},{\"caching\":\"None\","
     "\"deleteOption\":\"Detach\",\"diskId\":\"" DISK "2\",\"lun\":0}]}\n"},
    {OP_HELPER_DETACH,
     "{'helper':{'id':'" VM "'},'force':true,'disks':[{'disk':{'id':'" DISK
     "'},'slot':'3'}]}",
     "{\"dataDisksToDetach\":[{\"detachOption\":\"ForceDetach\",\"diskId\":"
     "\"" DISK "\"}]}\n"},
    {OP_DISK_FROM,
     "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'source':{'kind':'disk',"
     "'id':'" DISK "'},'token':'bootmend-c-1-disk','tags':{'t':'u'}}",
     "PUT https://management.azure.com" GROUP
     "/disks/bootmend-c-1-disk?api-version=2024-03-02\n"
     "{\"location\":\"westus\",\"properties\":{\"creationData\":{"
     "\"createOption\":\"Copy\",\"sourceResourceId\":\"" DISK "\"},"
     "\"hyperVGeneration\":\"V2\",\"osType\":\"Windows\","
     "\"securityProfile\":{\"securityType\":\"TrustedLaunch\"}},"
     "\"sku\":{\"name\":\"Premium_LRS\"},\"tags\":{\"a\":\"b\",\"t\":\"u\"},"
     "\"zones\":[\"2\"]}\n"},
    /* one that has grown since its snapshot */
    {OP_DISK_FROM,
     "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'source':{'kind':'snapshot',"
     "'id':'" GROUP "/snapshots/s'},'token':'t-disk'}",
     "\"diskSizeGB\":127,"},
    {OP_SNAPSHOT, "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'token':'t-1'}",
     "PUT https://management.azure.com" GROUP
     "/snapshots/t-1?api-version=2024-03-02\n"
     "{\"location\":\"westus\",\"properties\":{\"creationData\":{"},
    {OP_SWAP_OS,
     "{'vm':" RECORD ",'disk':{'id':'" GROUP "/disks/New'},'token':'t'}",
     "PATCH https://management.azure.com" VM "?api-version=2024-11-01\n"
     "{\"properties\":{\"storageProfile\":{\"osDisk\":{\"caching\":"
     "\"ReadWrite\",\"createOption\":\"FromImage\",\"deleteOption\":"
     "\"Delete\",\"managedDisk\":{\"id\":\"" GROUP "/disks/New\"},\"name\":"
     "\"New\",\"writeAcceleratorEnabled\":true}}}}\n"},
    {OP_DELETE, "{'kind':'snapshot','id':'" GROUP "/snapshots/s'}",
     "DELETE https://management.azure.com" GROUP "/snapshots/s?api"},
    {OP_MARK, "{'vms':[{'id':'" VM "'}],'mark':{'campaign':'c','since':'s'}}",
     "PATCH https://management.azure.com" VM
     "/providers/Microsoft.Resources/tags/default?api-version=2021-04-01\n"
     "{\"operation\":\"Merge\",\"properties\":{\"tags\":{"
     "\"bootmend-campaign\":\"c\",\"bootmend-since\":\"s\"}}}\n"},
    {OP_UNMARK,
     "{'vms':[{'id':'" VM "','mark':{'campaign':'c','since':'s'}}],"
     "'mark':{'campaign':'c'}}",
     "{\"operation\":\"Delete\",\"properties\":{\"tags\":{"
     "\"bootmend-campaign\":\"c\",\"bootmend-since\":\"s\"}}}\n"},
    {OP_KEEP,
     "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'keep':false,'tags':{'a':'b'"
     "}}",
     "PATCH https://management.azure.com" DISK "/providers/"},
};

static void
test_requests (void)
{
  static const struct play_reply reply = {200, NULL, "{}"};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (sent_rows); i++) {
    play (&p, sent_rows[i].op, sent_rows[i].in, &reply, 1);
    CU_ASSERT_PTR_NULL (p.err);
    if (strstr (p.sent, sent_rows[i].sends) == NULL)
      fprintf (stderr, "sent: %s\nnot: %s\n", p.sent, sent_rows[i].sends);
    CU_ASSERT_PTR_NOT_NULL (strstr (p.sent, sent_rows[i].sends));
  }
}

/* What is made is known by its name, whatever the reply holds. */
static void
test_created (void)
{
  static const struct play_reply replies[] =
      {{202, ASYNC,
        "{'name':'x','properties':{'provisioningState':'Updating'}}"},
       {200, NULL, "{'status':'Succeeded','properties':{'output':{}}}"}};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_DISK_FROM,
        "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'source':{'id':'" DISK
        "'},'token':'t-1-disk'}",
        replies, 2);
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "created.id", ""),
                          GROUP "/disks/t-1-disk");
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "created.kind", ""), "disk");
}

#define STOP_TRIAL "{'vms':[{'id':'" VM "'}],'dry_run':true}"
#define SWAP_TRIAL                                                             \
  "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'token':'t','dry_run':true}"

/* With a first role of these actions, and a second one, or more to come. */
static const struct {
  enum op_id op;
  const char *in, *at, *actions, *except, *second, *more;
  enum err_code code;
} trials[] = {
    {OP_STOP, STOP_TRIAL, VM, "*", "-", "-", "", 0},
    {OP_STOP, STOP_TRIAL, VM, "microsoft.compute/*/powerOff/action", "-", "-",
     "", 0},
    {OP_STOP, STOP_TRIAL, VM, "*/read", "-", "-", "", ERR_DENIED},
    {OP_MARK,
     "{'vms':[{'id':'" VM "'}],'mark':{'campaign':'c'},'dry_run':true}", VM,
     "Microsoft.Compute/*", "-", "-", "", ERR_DENIED},
    {OP_SWAP_OS, SWAP_TRIAL, VM, "*", "Microsoft.Compute/virtualMachines/write",
     "-", "", ERR_DENIED},
    {OP_SWAP_OS, SWAP_TRIAL, VM, "*", "Microsoft.Compute/virtualMachines/write",
     "Microsoft.Compute/virtualMachines/*", "", 0},
    {OP_HELPER_ATTACH,
     "{'helper':{'id':'" VM "'},'disks':[{'disk':{'id':'" DISK
     "'},'slot':'/dev/sdz'}],'dry_run':true}",
     VM, "-", "-", "-", "", ERR_DENIED},
    {OP_DISK_FROM,
     "{'vm':" RECORD ",'disk':{'id':'" DISK "'},'source':{'kind':'disk',"
     "'id':'" DISK "'},'token':'t','dry_run':true}",
     SUB "/resourcegroups/g", "-", "-", "-", "https://x", 0},
};

/* Whether a change is allowed is asked without making it, where it would be
 * made; only a whole list of roles shows that it is not. */
static void
test_trials (void)
{
  static const struct play_reply hidden =
      {403, NULL, "{'error':{'code':'AuthorizationFailed','message':'no'}}"};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (trials); i++) {
    CLEANUP_FREE char *body =
        xasprintf ("{'value':[{'actions':['%s'],'notActions':['%s']},"
                   "{'actions':['%s'],'notActions':[]}],'nextLink':'%s'}",
                   trials[i].actions, trials[i].except, trials[i].second,
                   trials[i].more);
    CLEANUP_FREE char *sent =
        xasprintf ("GET https://management.azure.com%s/providers/"
                   "Microsoft.Authorization/permissions?api-version="
                   "2022-04-01\n",
                   trials[i].at);
    struct play_reply reply = {200, NULL, body};

    play (&p, trials[i].op, trials[i].in, &reply, 1);
    CU_ASSERT_EQUAL (p.err ? p.err->code : 0, trials[i].code);
    CU_ASSERT_EQUAL (p.requests, 1);
    CU_ASSERT_PTR_NOT_NULL (strstr (p.sent, sent));
  }
  play (&p, OP_STOP, STOP_TRIAL, &hidden, 1);
  CU_ASSERT_EQUAL (p.err->code, ERR_REFUSED);
}

/* What makes no sense is never sent. */
static void
test_refused_here (void)
{
  static const struct {
    enum op_id op;
    const char *in;
  } rows[] = {
      {OP_STOP, "{'vms':[]}"},
      {OP_STOP, "{'vms':[{'id':'" VM "'},{'id':'" VM "2'}]}"},
      {OP_STOP, "{'vms':[{'id':'" VM "?x'}]}"},
      {OP_STOP, "{'vms':[{'id':'" VM "/../..'}]}"},
      {OP_DELETE, "{'kind':'disk','id':'" VM "'}"},
      {OP_DELETE, "{'kind':'vm','id':'" VM "'}"},
      {OP_DELETE, "{'kind':'disk','id':'" GROUP "/snapshots/s'}"},
      {OP_SWAP_OS, "{'vm':" RECORD ",'disk':{'id':'" VM "'}}"},
      {OP_HELPER_ATTACH, "{'helper':{'id':'" VM "'},'disks':[]}"},
      {OP_HELPER_ATTACH,
       "{'helper':{'id':'" VM "'},'disks':[{'disk':{'id':'" DISK "'},"
       "'slot':'x'}]}"},
      {OP_DISK_FROM, "{'vm':" RECORD ",'disk':{'id':'" DISK
                     "'},'source':{'id':'" DISK "'},'token':'a/b'}"},
      {OP_DISK_FROM, "{'vm':{'id':'" VM "'},'disk':{'id':'" DISK
                     "'},'source':{'id':'" DISK "'},'token':'a'}"},
  };
  static const struct play_reply reply = {200, NULL, "{}"};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    play (&p, rows[i].op, rows[i].in, &reply, 1);
    CU_ASSERT_PTR_NOT_NULL (p.err);
    CU_ASSERT_EQUAL (p.requests, 0);
  }
}

static void
test_gone (void)
{
  static const struct play_reply absent =
      {404, "x-ms-failure-cause: gateway",
       "{'error':{'code':'ResourceNotFound','message':'x'}}"};
  static const struct play_reply nothing = {204, NULL, ""};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_DELETE, "{'kind':'disk','id':'" DISK "'}", &absent, 1);
  CU_ASSERT_PTR_NULL (p.err);
  play (&p, OP_DELETE, "{'kind':'disk','id':'" DISK "'}", &nothing, 1);
  CU_ASSERT_PTR_NULL (p.err);
  play (&p, OP_STOP, STOP_IN, &absent, 1);
  CU_ASSERT_EQUAL (p.err ? p.err->code : 0, ERR_NOT_FOUND);
}

/* A call about three disks fails: who is told what. */
static const struct {
  struct play_reply reply;
  enum err_code codes[3]; /* of the disks; 0: the call itself failed */
  bool alone;
} shares[] = {
    {{409, NULL,
      "{'error':{'code':'ConflictingUserInput','message':'Disk vm1 cannot be "
      "attached as the disk is already owned by VM x.'}}"},
     {ERR_CONFLICT, ERR_TRANSIENT, ERR_TRANSIENT},
     false},
    {{404, NULL,
      "{'error':{'code':'ResourceNotFound','message':'The Resource "
      "Microsoft.Compute/disks/VM10 under resource group g was not found.'}"
      "}"},
     {ERR_TRANSIENT, ERR_NOT_FOUND, ERR_TRANSIENT},
     false},
    {{409, NULL,
      "{'error':{'code':'InvalidParameter','message':'A disk at LUN 7 "
      "already exists.'}}"},
     {ERR_TRANSIENT, ERR_TRANSIENT, ERR_TAKEN},
     false},
    /* some disk, nobody knows which */
    {{400, NULL, "{'error':{'code':'BadRequest','message':'No.'}}"},
     {ERR_TRANSIENT, ERR_TRANSIENT, ERR_TRANSIENT},
     true},
    {{202, ASYNC, ""}, {ERR_CONFLICT, ERR_TRANSIENT, ERR_TRANSIENT}, false},
    /* the helper, not a disk */
    {{409, NULL,
      "{'error':{'code':'OperationNotAllowed','message':'Operation X is not "
      "allowed on VM h since another operation is in progress.'}}"},
     {0},
     false},
    {{404, NULL,
      "{'error':{'code':'ResourceNotFound','message':'The Resource "
      "Microsoft.Compute/virtualMachines/h under resource group g was not "
      "found.'}}"},
     {0},
     false},
    {{429, NULL, "{'code':'TooManyRequests','message':'vm1'}"}, {0}, false},
};

static void
test_divided (void)
{
  static const struct play_reply late =
      {200, NULL,
       "{'status':'Failed','error':{'code':'ConflictingUserInput','message':"
       "'Disk VM1 is owned by x.'}}"};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (shares); i++) {
    struct play_reply replies[] = {shares[i].reply, late};
    json_t *failed;

    play (&p, OP_HELPER_ATTACH,
          "{'helper':{'id':'" GROUP "/virtualmachines/h'},'disks':["
          "{'disk':{'id':'" GROUP "/disks/vm1'},'slot':'0'},"
          "{'disk':{'id':'" GROUP "/disks/vm10'},'slot':'1'},"
          "{'disk':{'id':'" GROUP "/disks/vm2'},'slot':'7'}]}",
          replies, shares[i].reply.status == 202 ? 2 : 1);
    failed = json_at (p.out, "failed");
    CU_ASSERT_EQUAL (failed == NULL, shares[i].codes[0] == 0);
    for (size_t j = 0; failed && j < 3; j++) {
      const json_t *item = json_array_get (failed, j);
      CLEANUP_ERR struct err *err = json_to_err (json_at (item, "error"));

      CU_ASSERT_EQUAL (err->code, shares[i].codes[j]);
      CU_ASSERT_EQUAL (json_bool (item, "alone", false), shares[i].alone);
    }
  }
}

static const struct unit_case tests[] = {
    {"a call about several disks fails", test_divided},
    {"an operation is followed", test_follow},
    {"by Location alone", test_location},
    {"how operations end", test_ends},
    {"one that never ends", test_endless},
    {"where polls go", test_hosts},
    {"what is sent", test_requests},
    {"what is created", test_created},
    {"what is allowed", test_trials},
    {"nonsense is not sent", test_refused_here},
    {"what is gone", test_gone},
};

UNIT_MAIN ("azure operations", tests)
