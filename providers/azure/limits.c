#include "limits.h"

/* Resource Manager counts for each region, subscription and principal: reads
 * 250 and 25 a second, writes and deletes 200 and 10. [learn.microsoft.com
 * "Understand how Azure Resource Manager throttles requests"]  Compute counts
 * for each region and subscription, and for each VM. [learn.microsoft.com
 * "Compute throttling limits"]  A binding is a subscription: its regions share
 * these buckets, though each would have its own, which errs on the slow side.
 *
 * The limits of one VM (12 changes, then 4 a minute) matter for helpers, whose
 * attaches and detaches are changes of the helper: class "helper" has a bucket
 * for each.  attachDetachDataDisks is not in the published table; that it
 * counts as a change of the VM is a guess, which a 429 that names its policy
 * would confirm. */

#define READS(name)                                                            \
  {                                                                            \
    .limit_class = (name), .bucket = "arm-reads", .capacity = 250,             \
    .refill_per_s = 25,                                                        \
    .remaining = "x-ms-ratelimit-remaining-subscription-reads"                 \
  }
#define WRITES(name)                                                           \
  {                                                                            \
    .limit_class = (name), .bucket = "arm-writes", .capacity = 200,            \
    .refill_per_s = 10,                                                        \
    .remaining = "x-ms-ratelimit-remaining-subscription-writes"                \
  }
#define COMPUTE(name, policy, size, a_second)                                  \
  {                                                                            \
    .limit_class = (name), .bucket = (policy), .capacity = (size),             \
    .refill_per_s = (a_second),                                                \
    .remaining =                                                               \
        "x-ms-ratelimit-remaining-resource: Microsoft.Compute/" policy "3Min"  \
  }

const struct limit_spec azure_limits[] = {
    READS ("read"),
    COMPUTE ("read", "LowCostGet", 24000, 8000 / 60.0),
    READS ("list"),
    COMPUTE ("list", "HighCostGet", 900, 300 / 60.0),
    READS ("operation"),
    COMPUTE ("operation", "GetOperation", 15000, 5000 / 60.0),
    WRITES ("power"),
    COMPUTE ("power", "UpdateVM", 1500, 500 / 60.0),
    WRITES ("update"),
    COMPUTE ("update", "UpdateVM", 1500, 500 / 60.0),
    WRITES ("helper"),
    COMPUTE ("helper", "UpdateVM", 1500, 500 / 60.0),
    {.limit_class = "helper",
     .bucket = "helper-updates",
     .capacity = 12,
     .refill_per_s = 4 / 60.0,
     .per_part = true},
    WRITES ("disk"),
    /* 1,000 in 3 minutes, as seen in replies. */
    COMPUTE ("disk", "CreateUpdateDisks", 1000, 1000 / 180.0),
    WRITES ("snapshot"),
    COMPUTE ("snapshot", "HighCostSnapshotCreateHydrate", 1000, 1000 / 180.0),
    WRITES ("tag"),
    {.limit_class = "delete",
     .bucket = "arm-deletes",
     .capacity = 200,
     .refill_per_s = 10,
     .remaining = "x-ms-ratelimit-remaining-subscription-deletes"},
    {0},
};
