/* kairos segment list, show, export: who is in which segment. */
#include <kairos/customer.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "collect/csv_write.h"
#include "engine/audience.h"
#include "engine/person.h"

#define CLUSTER_PREFIX "cluster-"

struct segment_job {
    const kai_segment_options *options;
    const struct progress *progress;
    struct doorway *door;
    struct audience audience;
    struct cluster cluster; /* where it was asked for */
    int has_cluster;
    struct answer answer;
    int64_t refused, unreachable; /* of an export: left out */
};

/* Those with a history at the moment, for whom shares are shares of. */
static int64_t count_customers(const struct audience *audience) {
    int64_t count = 0;
    for (int64_t i = 0; i < audience->customers.count; i++)
        count += audience->traits[i].numbers[CUSTOMER_EVENTS] > 0;
    return count;
}

static kai_status find_clusters(struct segment_job *job, kai_err *err) {
    const struct cluster_options options = {.k = (int32_t)job->options->k,
                                            .k_max = (int32_t)job->options->k_max,
                                            .seed = (uint64_t)job->options->common.seed};
    if (job->has_cluster) return KAI_OK;
    kai_status st = cluster_fit(job->audience.traits, job->audience.customers.count, &options,
                                job->progress, &job->cluster, err);
    job->has_cluster = !st;
    return st;
}

/* "cluster-2": by likeness. */
static kai_status cluster_members(struct segment_job *job, const char *number,
                                  struct segment_bitmap **ret_members, kai_err *err) {
    struct segment_bitmap *members = NULL;
    int64_t index = 0;
    kai_status st = find_clusters(job, err);
    if (!st && (!text_parse_i64(slice_of(number), &index) || index < 1 || index > job->cluster.k))
        st = err_set(err, KAI_NOT_FOUND, "segment '" CLUSTER_PREFIX "%.40s': there are %d clusters",
                     number, job->cluster.k);
    if (!st) st = segment_bitmap_new(&members, err);
    for (int64_t i = 0; !st && i < job->audience.customers.count; i++)
        if (job->cluster.member[i] == index - 1) segment_bitmap_add(members, (uint32_t)i);
    if (!st) *ret_members = members;
    return st;
}

static kai_status members_of(struct segment_job *job, const char *name, const char *rule,
                             struct segment_bitmap **ret_members, kai_err *err) {
    if (!rule && strncmp(name, CLUSTER_PREFIX, sizeof CLUSTER_PREFIX - 1) == 0)
        return cluster_members(job, name + sizeof CLUSTER_PREFIX - 1, ret_members, err);
    return audience_members(&job->audience, job->door, name, rule, ret_members, err);
}

/* The segment that the command names: --rule, or its argument. */
static kai_status named_members(struct segment_job *job, const char **ret_name,
                                struct segment_bitmap **ret_members, kai_err *err) {
    const kai_segment_options *options = job->options;
    if (!options->rule && options->arguments.count == 0)
        return err_set(err, KAI_INVALID, "a segment is missing: its name, or --rule");
    *ret_name = options->arguments.count ? options->arguments.items[0] : "rule";
    return members_of(job, *ret_name, options->rule, ret_members, err);
}

/* The segments of kairos.yaml with sizes and overlaps. */
static kai_status list_rules(struct segment_job *job, kai_err *err) {
    const struct yaml_node *segments = doorway_settings(job->door)->segments;
    int32_t count = segments ? segments->count : 0;
    struct json_writer *json = &job->answer.json;
    struct segment_bitmap **all = mem_zero((size_t)count + 1, sizeof *all);
    kai_status st = all ? KAI_OK : err_memory(err, count);
    double customers = (double)count_customers(&job->audience);
    for (int32_t i = 0; !st && i < count; i++)
        st = members_of(job, segments->children[i].key, NULL, &all[i], err);
    json_key(json, "segments");
    json_array(json);
    for (int32_t i = 0; !st && i < count; i++) {
        int64_t size = segment_bitmap_count(all[i]);
        double share = customers > 0 ? (double)size / customers : 0;
        json_object(json);
        json_key_text(json, "name", segments->children[i].key);
        json_key_text(json, "rule", segments->children[i].text);
        json_key_i64(json, "customers", size);
        json_key_f64(json, "share", share);
        json_key(json, "overlap");
        json_object(json);
        for (int32_t j = 0; j < count; j++)
            if (j != i)
                json_key_i64(json, segments->children[j].key,
                             segment_bitmap_overlap(all[i], all[j]));
        json_end(json);
        json_end(json);
        st = buf_printf(&job->answer.text, err, "%-24s %10lld  %5.1f %%  %s\n",
                        segments->children[i].key, (long long)size, 100 * share,
                        segments->children[i].text);
    }
    json_end(json);
    for (int32_t i = 0; all && i < count; i++) segment_bitmap_free(all[i]);
    mem_free(all);
    return st;
}

static kai_status list_clusters(struct segment_job *job, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    struct buf words;
    buf_init(&words, 1 << 16);
    kai_status st = find_clusters(job, err);
    if (!st) json_key_f64(json, "silhouette", job->cluster.silhouette);
    json_key(json, "clusters");
    json_array(json);
    for (int32_t c = 0; !st && c < job->cluster.k; c++) {
        char name[32];
        (void)snprintf(name, sizeof name, CLUSTER_PREFIX "%d", c + 1);
        buf_reset(&words);
        st = cluster_describe(&job->cluster, c, &words, err);
        if (st) break;
        json_object(json);
        json_key_text(json, "name", name);
        json_key_i64(json, "customers", job->cluster.sizes[c]);
        json_key_text(json, "words", words.data);
        json_end(json);
        st = buf_printf(&job->answer.text, err, "%-24s %10lld           %s\n", name,
                        (long long)job->cluster.sizes[c], words.data);
    }
    json_end(json);
    if (!st) st = buf_printf(&job->answer.text, err, "silhouette %.2f\n", job->cluster.silhouette);
    buf_release(&words);
    return st;
}

static kai_status list(struct segment_job *job, kai_err *err) {
    json_key_i64(&job->answer.json, "customers", count_customers(&job->audience));
    kai_status st = list_rules(job, err);
    if (!st && job->options->clusters) st = list_clusters(job, err);
    return st;
}

/* The mean of a trait over those who have it; over members only where they are given. */
static double mean_of(const struct audience *audience, int32_t trait,
                      const struct segment_bitmap *members) {
    double sum = 0, count = 0;
    for (int64_t i = 0; i < audience->customers.count; i++) {
        double value = audience->traits[i].numbers[trait];
        int is_asked = members ? segment_bitmap_has(members, (uint32_t)i)
                               : audience->traits[i].numbers[CUSTOMER_EVENTS] > 0;
        if (!is_asked || isnan(value)) continue;
        sum += value;
        count++;
    }
    return count > 0 ? sum / count : NAN;
}

static kai_status show(struct segment_job *job, kai_err *err) {
    static const int32_t SHOWN[] = {CUSTOMER_RECENCY,     CUSTOMER_FREQUENCY, CUSTOMER_MONETARY,
                                    CUSTOMER_ORDER_VALUE, CUSTOMER_TENURE,    CUSTOMER_IDLE,
                                    CUSTOMER_EVENTS,      CUSTOMER_SESSIONS,  CUSTOMER_ITEMS};
    struct json_writer *json = &job->answer.json;
    struct segment_bitmap *members = NULL;
    const char *name = NULL;
    kai_status st = named_members(job, &name, &members, err);
    if (st) return st;
    int64_t size = segment_bitmap_count(members), all = count_customers(&job->audience);
    json_key_text(json, "name", name);
    json_key_i64(json, "customers", size);
    json_key_f64(json, "share", all ? (double)size / (double)all : 0);
    json_key(json, "traits");
    json_object(json);
    st = buf_printf(&job->answer.text, err, "%s: %lld of %lld customers\n%-24s %12s %12s\n", name,
                    (long long)size, (long long)all, "mean of", "members", "everybody");
    for (size_t i = 0; !st && i < sizeof SHOWN / sizeof *SHOWN; i++) {
        double inside = mean_of(&job->audience, SHOWN[i], members);
        double everybody = mean_of(&job->audience, SHOWN[i], NULL);
        json_key(json, customer_number_name(SHOWN[i]));
        json_object(json);
        json_key_f64(json, "members", inside);
        json_key_f64(json, "everybody", everybody);
        json_end(json);
        st = buf_printf(&job->answer.text, err, "%-24s %12.5g %12.5g\n",
                        customer_number_name(SHOWN[i]), inside, everybody);
    }
    json_end(json);
    segment_bitmap_free(members);
    return st;
}

typedef void (*combine_fn)(struct segment_bitmap *a, const struct segment_bitmap *b);

static kai_status combine(struct segment_job *job, struct segment_bitmap *members,
                          const kai_list *names, combine_fn how, kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < names->count; i++) {
        struct segment_bitmap *other = NULL;
        st = members_of(job, names->items[i], NULL, &other, err);
        if (!st) how(members, other);
        segment_bitmap_free(other);
    }
    return st;
}

/* May this member be in an audience that was chosen by her traits? */
static kai_status may_address(struct segment_job *job, struct slice pseudonym, int *ret_may,
                              kai_err *err) {
    const struct consent_rules *rules = &doorway_settings(job->door)->rules.consent;
    const char *channel = job->options->channel, *why = NULL;
    struct consent consent = {0};
    kai_status st = doorway_consent(job->door, pseudonym, &consent, err);
    if (st) return st;
    enum consent_verdict verdict = consent_decide(rules, &consent, channel ? channel : "", &why);
    *ret_may = verdict == CONSENT_PERSONAL;
    job->unreachable += verdict == CONSENT_DENY;
    job->refused += verdict == CONSENT_GENERIC;
    return KAI_OK;
}

static kai_status write_member(struct segment_job *job, uint32_t member, struct csv_writer *csv,
                               kai_err *err) {
    struct slice name = job->audience.customers.names.entries[member];
    struct buf text;
    buf_init(&text, SECRET_TEXT_BYTES);
    kai_status st = job->options->reveal ? doorway_reveal(job->door, name, &text, err)
                                         : buf_append(&text, name.data, name.size, err);
    if (!st) {
        csv_write_text(csv, (struct slice){text.data, text.size});
        st = csv_write_row(csv, err);
    }
    buf_release(&text);
    return st;
}

static kai_status write_members(struct segment_job *job, const struct segment_bitmap *members,
                                struct csv_writer *csv, int64_t *ret_written, kai_err *err) {
    int64_t count = segment_bitmap_count(members);
    uint32_t *list = mem_array((size_t)count + 1, sizeof *list);
    if (!list) return err_memory(err, count * (int64_t)sizeof *list);
    count = segment_bitmap_list(members, list, count);
    csv_write_string(csv, "customer");
    kai_status st = csv_write_row(csv, err);
    for (int64_t i = 0; !st && i < count; i++) {
        int may = 0;
        st = may_address(job, job->audience.customers.names.entries[list[i]], &may, err);
        if (st || !may) continue;
        st = write_member(job, list[i], csv, err);
        ++*ret_written;
    }
    mem_free(list);
    return st;
}

static kai_status write_export(struct segment_job *job, const struct segment_bitmap *members,
                               int64_t *ret_written, kai_err *err) {
    const char *out = job->options->out;
    struct csv_writer *csv = NULL;
    kai_status st = strcmp(out, "-") == 0 ? csv_write_new(&job->answer.text, &csv, err)
                                          : csv_write_open(out, &csv, err);
    if (!st) st = write_members(job, members, csv, ret_written, err);
    if (!st) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    csv_write_abandon(csv);
    return st;
}

static kai_status record_export(struct segment_job *job, const char *name, int64_t written,
                                kai_err *err) {
    struct buf detail;
    struct json_writer json;
    buf_init(&detail, 1 << 16);
    json_init(&json, &detail, 0);
    json_object(&json);
    json_key_text(&json, "segment", name);
    json_key_text(&json, "channel", job->options->channel);
    json_key_i64(&json, "customers", written);
    json_key_bool(&json, "revealed", job->options->reveal);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (!st) st = doorway_record(job->door, "segment export", "", detail.data, NULL, err);
    buf_release(&detail);
    return st;
}

static kai_status export(struct segment_job *job, kai_err *err) {
    const kai_segment_options *options = job->options;
    struct segment_bitmap *members = NULL;
    const char *name = NULL;
    int64_t written = 0;
    kai_status st = named_members(job, &name, &members, err);
    if (!st) st = combine(job, members, &options->with, segment_bitmap_join, err);
    if (!st) st = combine(job, members, &options->only, segment_bitmap_meet, err);
    if (!st) st = combine(job, members, &options->without, segment_bitmap_part, err);
    if (!st) st = write_export(job, members, &written, err);
    if (!st) st = record_export(job, name, written, err);
    segment_bitmap_free(members);
    if (st) return st;
    json_key_text(&job->answer.json, "name", name);
    json_key_text(&job->answer.json, "out", options->out);
    json_key_i64(&job->answer.json, "customers", written);
    json_key_i64(&job->answer.json, "not_personalised", job->refused);
    json_key_i64(&job->answer.json, "without_consent", job->unreachable);
    if (strcmp(options->out, "-") == 0) return KAI_OK;
    return buf_printf(&job->answer.text, err,
                      "%lld customers: %s\nleft out: %lld not personalised, %lld without consent\n",
                      (long long)written, options->out, (long long)job->refused,
                      (long long)job->unreachable);
}

static kai_status run(kai_engine *engine, const kai_segment_options *options,
                      kai_status (*work)(struct segment_job *, kai_err *), kai_buf *ret_json,
                      kai_buf *ret_text, kai_err *err) {
    struct segment_job job = {.options = options, .progress = &engine->progress};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    if (work == export && ret_json && strcmp(options->out, "-") == 0)
        st = err_set(err, KAI_INVALID, "with --json the members need a file: give --out");
    if (!st) st = doorway_open(options->common.workspace, STORE_READ, &job.door, err);
    if (!st) st = audience_open(job.door, options->at, &engine->progress, &job.audience, err);
    if (!st) person_json_time(&job.answer.json, "at", job.audience.at_us);
    if (!st) st = work(&job, err);
    cluster_release(&job.cluster);
    audience_release(&job.audience);
    doorway_close(job.door);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_segment_list(kai_engine *engine, const kai_segment_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return run(engine, options, list, ret_json, ret_text, err);
}

int32_t kai_engine_segment_show(kai_engine *engine, const kai_segment_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return run(engine, options, show, ret_json, ret_text, err);
}

int32_t kai_engine_segment_export(kai_engine *engine, const kai_segment_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return run(engine, options, export, ret_json, ret_text, err);
}
