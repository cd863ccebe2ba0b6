/* What a request is told besides: how long its effect is waited for, and its
 * name, where a cloud ignores a repetition of the same one
 * (provider.request_ids). */

#include "engine-internal.h"

#include <string.h>

/* A request whose answer nobody has seen is the same one when it is sent again,
 * by this controller or by the one after it: the cloud ignores the second.
 * After an answer the next attempt is another request, in whatever step.
 * facts.request {n, step, open: no answer has been seen} */
void
job_name_request (struct job *job, struct effect *effect)
{
  CLEANUP_FREE char *step = NULL, *request = NULL;
  int64_t n = json_int (job->facts, "request.n", 0);

  if (effect->kind != EFFECT_OP || !job_has_effect (job, effect))
    return;
  json_put_int (effect->in, "limit_ms", job_limit_ms (job));
  if (!job->binding->provider->request_ids)
    return;
  step = xasprintf ("%s/%s", job->back ? "back" : "on", job->step->name);
  if (!json_bool (job->facts, "request.open", false) ||
      strcmp (json_str (job->facts, "request.step", ""), step) != 0)
    n++;
  job_set_fact (job, "request",
                json_make ("{s:I,s:s,s:b}", "n", (json_int_t)n, "step", step,
                           "open", 1));
  request = xasprintf ("%s/%lld/%s/%lld", job->policy->campaign,
                       (long long)job->id, step, (long long)n);
  json_put_str (effect->in, "request", request);
}

void
job_request_answered (struct job *job)
{
  json_t *request = json_object_get (job->facts, "request");

  if (!json_bool (request, "open", false))
    return;
  json_put_bool (request, "open", false);
  job->changed = true;
}
