/* What errors of Compute mean, in a reply and inside an operation. */

#include "unit.h"

#include <string.h>

#include "requests.h"

#define Z    "zones/europe-west1-b"
#define STOP "{'vms': [{'id': '" Z "/instances/web-1'}]}"
#define DETACH                                                                 \
  "{'vm': {'id': '" Z "/instances/web-1'}, 'disk': {'id': '" Z "/disks/"       \
  "web-1'}}"

static const struct {
  enum op_id op;
  int status;
  const char *body;
  enum err_code code;
  const char *says;
} errors[] = {
    {OP_START, 403,
     "{'error': {'code': 403, 'message': 'Quota exceeded for quota metric',"
     " 'errors': [{'reason': 'rateLimitExceeded', 'domain': 'usageLimits'}]}}",
     ERR_THROTTLED, "rateLimitExceeded"},
    {OP_START, 403,
     "{'error': {'code': 403, 'message': 'Rate Limit Exceeded', 'errors':"
     " [{'reason': 'rateLimitExceeded'}], 'details': [{'@type': 'x', 'reason':"
     " 'CONCURRENT_OPERATIONS_QUOTA_EXCEEDED'}]}}",
     ERR_THROTTLED, "CONCURRENT"},
    {OP_START, 429, "{'error': {'code': 429, 'message': 'slow'}}",
     ERR_THROTTLED, "429"},
    {OP_START, 403,
     "{'error': {'message': 'Required compute.instances.start permission',"
     " 'errors': [{'reason': 'forbidden'}]}}",
     ERR_DENIED, "compute.instances.start"},
    {OP_START, 401,
     "{'error': {'code': 401, 'message': 'Request had invalid authentication"
     " credentials.', 'status': 'UNAUTHENTICATED', 'errors': [{'reason':"
     " 'authError'}]}}",
     ERR_AUTH, "authError"},
    {OP_START, 403,
     "{'error': {'code': 403, 'message': 'not enabled', 'errors': [{'reason':"
     " 'accessNotConfigured'}]}}",
     ERR_AUTH, "gcloud services enable"},
    {OP_STOP, 400,
     "{'error': {'message': 'The resource is not ready', 'errors': [{'reason':"
     " 'resourceNotReady'}]}}",
     ERR_CONFLICT, "not ready"},
    {OP_STOP, 200,
     "{'status': 'DONE', 'error': {'errors': [{'code': 'RESOURCE_NOT_READY',"
     " 'message': 'x'}]}}",
     ERR_CONFLICT, "RESOURCE_NOT_READY"},
    {OP_START, 200,
     "{'status': 'DONE', 'httpErrorStatusCode': 503, 'error': {'errors':"
     " [{'code': 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS', 'message':"
     " 'x'}]}}",
     ERR_CONFLICT, "no room"},
    {OP_START, 200,
     "{'status': 'DONE', 'error': {'errors': [{'code': 'QUOTA_EXCEEDED'}]}}",
     ERR_REFUSED, "quota of the project"},
    {OP_DETACH_OS, 400,
     "{'error': {'message': 'No attached disk found with device name',"
     " 'errors': [{'reason': 'invalid'}]}}",
     ERR_CONFLICT, "device name"},
    {OP_ATTACH_OS, 400,
     "{'error': {'message': 'already being used by', 'errors': [{'reason':"
     " 'resourceInUseByAnotherResource'}]}}",
     ERR_CONFLICT, "already being used"},
    {OP_ATTACH_OS, 200,
     "{'status': 'DONE', 'error': {'errors': [{'code':"
     " 'RESOURCE_IN_USE_BY_ANOTHER_RESOURCE', 'message': 'x'}]}}",
     ERR_CONFLICT, "RESOURCE_IN_USE"},
    {OP_HELPER_ATTACH, 403,
     "{'error': {'message': 'Exceeded limit maximum_persistent_disks',"
     " 'errors': [{'reason': 'limitExceeded'}]}}",
     ERR_TAKEN, "maximum_persistent_disks"},
    {OP_SNAPSHOT, 200,
     "{'status': 'DONE', 'error': {'errors': [{'code':"
     " 'RESOURCE_OPERATION_RATE_EXCEEDED', 'message': 'x'}]}}",
     ERR_CONFLICT, "10 minutes"},
    {OP_SNAPSHOT, 400,
     "{'error': {'message': 'x', 'errors': [{'reason':"
     " 'operationRateExceeded'}]}}",
     ERR_TRANSIENT, "10 minutes"},
    {OP_DISK_FROM, 412,
     "{'error': {'message': 'Constraint constraints/compute.x violated',"
     " 'errors': [{'reason': 'conditionNotMet'}]}}",
     ERR_REFUSED, "organisation"},
    {OP_START, 502, "<html>bad gateway</html>", ERR_UNKNOWN_EFFECT, "proxy"},
    {OP_START, 200, "<html>log in</html>", ERR_UNKNOWN_EFFECT, "web page"},
    {OP_START, 200, "{'status': 'RUNN", ERR_UNKNOWN_EFFECT, "cut off"},
    {OP_START, 200, "", ERR_UNKNOWN_EFFECT, "empty"},
    {OP_SCREENSHOT, 503, "", ERR_TRANSIENT, "503"},
    {OP_SCREENSHOT, 200, "<!DOCTYPE html>", ERR_PROTOCOL, "web page"},
    {OP_SCREENSHOT, 200, "{}", ERR_NOT_FOUND, "display device"},
    {OP_FIND_CREATED, 400,
     "{'error': {'message': 'Invalid value for field filter', 'errors':"
     " [{'reason': 'invalid'}]}}",
     ERR_USAGE, "filter"},
};

static void
test_errors (void)
{
  struct binding *b = test_binding ();

  for (size_t i = 0; i < ARRAY_SIZE (errors); i++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *out =
        test_parse (b, errors[i].op,
                    errors[i].op == OP_DETACH_OS ? DETACH : STOP,
                    errors[i].status, errors[i].body, &err);

    CU_ASSERT_PTR_NULL (out);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    if (err->code != errors[i].code || !strstr (err->msg, errors[i].says))
      printf ("case %zu: %s: %s\n", i, err_code_name (err->code), err->msg);
    CU_ASSERT_EQUAL (err->code, errors[i].code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, errors[i].says));
  }
  test_binding_free (b);
}

static const struct unit_case tests[] = {
    {"errors", test_errors},
};

UNIT_MAIN ("gcp errors", tests)
