#include "govern/identity.h"

#include <string.h>

#include "base/alloc.h"
#include "base/dict.h"
#include "base/instant.h"
#include "base/json.h"

static const char *const KINDS[] = {"known", "alias", "merge", "shared"};

struct identity {
    struct dict names;           /* pseudonyms: a node each, by code */
    struct dict pairs;           /* both ends of each edge, so that nothing is recorded twice */
    int32_t *parents;            /* owned; (nodes) union-find */
    int32_t *rings;              /* owned; (nodes) the next member of the component */
    int32_t *sizes;              /* owned; (nodes) of a root: members */
    int32_t *firsts;             /* owned; (nodes) of a root: the canonical node */
    int32_t *owners;             /* owned; (nodes) of a device: its first customer, or -1 */
    uint8_t *devices;            /* owned; (nodes) 1 = seen as a device */
    int32_t capacity;            /* of the arrays */
    struct identity_edge *edges; /* owned */
    int64_t count, edge_capacity;
    struct slice members[IDENTITY_MEMBERS_MAX];
};

const char *identity_kind_text(enum identity_kind kind) { return KINDS[kind]; }

kai_status identity_new(struct identity **ret_identity, kai_err *err) {
    struct identity *identity = mem_zero(1, sizeof *identity);
    if (!identity) return err_memory(err, sizeof *identity);
    dict_init(&identity->names);
    dict_init(&identity->pairs);
    *ret_identity = identity;
    return KAI_OK;
}

void identity_free(struct identity *identity) {
    if (!identity) return;
    dict_release(&identity->names);
    dict_release(&identity->pairs);
    mem_free(identity->parents);
    mem_free(identity->rings);
    mem_free(identity->sizes);
    mem_free(identity->firsts);
    mem_free(identity->owners);
    mem_free(identity->devices);
    mem_free(identity->edges);
    mem_free(identity);
}

/* A component of its own. */
static void reset_node(struct identity *identity, int32_t node) {
    identity->parents[node] = node;
    identity->rings[node] = node;
    identity->sizes[node] = 1;
    identity->firsts[node] = node;
    identity->owners[node] = -1;
}

static kai_status grow_array(int32_t **array, int32_t count, kai_err *err) {
    int32_t *grown = mem_resize(*array, (size_t)count, sizeof **array);
    if (!grown) return err_memory(err, (int64_t)count * (int64_t)sizeof **array);
    *array = grown;
    return KAI_OK;
}

static kai_status grow_nodes(struct identity *identity, kai_err *err) {
    int32_t capacity = identity->capacity ? 2 * identity->capacity : 256;
    int32_t **const arrays[] = {&identity->parents, &identity->rings, &identity->sizes,
                                &identity->firsts, &identity->owners};
    kai_status st = KAI_OK;
    for (size_t i = 0; !st && i < sizeof arrays / sizeof *arrays; i++)
        st = grow_array(arrays[i], capacity, err);
    if (st) return st;
    uint8_t *devices = mem_resize(identity->devices, (size_t)capacity, 1);
    if (!devices) return err_memory(err, capacity);
    identity->devices = devices;
    identity->capacity = capacity;
    return KAI_OK;
}

static kai_status add_node(struct identity *identity, struct slice name, int32_t *ret_node,
                           kai_err *err) {
    kai_status st = KAI_OK;
    if (identity->names.count == identity->capacity) st = grow_nodes(identity, err);
    int32_t before = identity->names.count;
    if (!st) st = dict_add(&identity->names, name, ret_node, err);
    if (!st && *ret_node == before) {
        reset_node(identity, *ret_node);
        identity->devices[*ret_node] = 0;
    }
    return st;
}

static int32_t find_root(struct identity *identity, int32_t node) {
    int32_t *parents = identity->parents;
    for (; parents[node] != node; node = parents[node]) parents[node] = parents[parents[node]];
    return node;
}

/* The one that was seen first, customers before devices. */
static int32_t earlier_of(const struct identity *identity, int32_t a, int32_t b) {
    if (identity->devices[a] != identity->devices[b]) return identity->devices[a] ? b : a;
    return a < b ? a : b;
}

static void join(struct identity *identity, int32_t a, int32_t b) {
    a = find_root(identity, a);
    b = find_root(identity, b);
    if (a == b) return;
    int32_t big = identity->sizes[a] >= identity->sizes[b] ? a : b, small = a + b - big;
    int32_t first = earlier_of(identity, identity->firsts[a], identity->firsts[b]);
    identity->parents[small] = big;
    identity->sizes[big] += identity->sizes[small];
    identity->firsts[big] = first;
    int32_t next = identity->rings[big]; /* two rings become one by exchanging their nexts */
    identity->rings[big] = identity->rings[small];
    identity->rings[small] = next;
}

static int is_joining(const struct identity_edge *edge) {
    return edge->kind != IDENTITY_SHARED && !edge->undone_us;
}

/* Join the ends of an edge whose nodes exist. */
static void apply_edge(struct identity *identity, const struct identity_edge *edge) {
    int32_t a = dict_find(&identity->names, slice_of(edge->a));
    int32_t b = dict_find(&identity->names, slice_of(edge->b));
    if (edge->kind == IDENTITY_KNOWN) identity->owners[a] = b;
    join(identity, a, b);
}

/* Components of the edges in force, from the start: after one was undone. */
static void rebuild(struct identity *identity) {
    for (int32_t node = 0; node < identity->names.count; node++) reset_node(identity, node);
    for (int64_t i = 0; i < identity->count; i++)
        if (is_joining(&identity->edges[i])) apply_edge(identity, &identity->edges[i]);
}

enum { PAIR_BYTES = 2 * (SECRET_PSEUDONYM_BYTES - 1) };

static struct slice pair_of(struct slice a, struct slice b, char text[PAIR_BYTES]) {
    memcpy(text, a.data, a.size);
    memcpy(text + a.size, b.data, b.size);
    return (struct slice){text, a.size + b.size};
}

static kai_status keep_edge(struct identity *identity, const struct identity_edge *edge,
                            kai_err *err) {
    int32_t a = 0, b = 0, pair = 0;
    char text[PAIR_BYTES];
    if (identity->count == identity->edge_capacity) {
        int64_t capacity = identity->count ? 2 * identity->count : 256;
        struct identity_edge *edges = mem_resize(identity->edges, (size_t)capacity, sizeof *edges);
        if (!edges) return err_memory(err, capacity * (int64_t)sizeof *edges);
        identity->edges = edges;
        identity->edge_capacity = capacity;
    }
    kai_status st = add_node(identity, slice_of(edge->a), &a, err);
    if (!st) st = add_node(identity, slice_of(edge->b), &b, err);
    if (!st)
        st = dict_add(&identity->pairs, pair_of(slice_of(edge->a), slice_of(edge->b), text), &pair,
                      err);
    if (st) return st;
    if (edge->kind == IDENTITY_KNOWN || edge->kind == IDENTITY_SHARED) identity->devices[a] = 1;
    identity->edges[identity->count++] = *edge;
    if (is_joining(edge)) apply_edge(identity, edge);
    return KAI_OK;
}

kai_status identity_restore(struct identity *identity, const struct identity_edge *edge,
                            kai_err *err) {
    if (identity->count && edge->id <= identity->edges[identity->count - 1].id)
        return err_set(err, KAI_INVALID, "identity edges are out of order");
    return keep_edge(identity, edge, err);
}

/* Is there nothing new in this edge? */
static int is_known(struct identity *identity, struct slice a, struct slice b,
                    enum identity_kind kind) {
    char pair[PAIR_BYTES];
    int32_t from = dict_find(&identity->names, a), to = dict_find(&identity->names, b);
    if (slice_equal(a, b)) return 1;
    if (from < 0 || to < 0) return 0;
    if (find_root(identity, from) == find_root(identity, to)) return 1;
    /* what was shared or undone once stays so until an operator merges */
    return kind != IDENTITY_MERGE && dict_find(&identity->pairs, pair_of(a, b, pair)) >= 0;
}

/* What an edge becomes: joining, or only noted. */
static enum identity_kind settle_kind(struct identity *identity, struct slice a, struct slice b,
                                      enum identity_kind kind) {
    int32_t from = dict_find(&identity->names, a), to = dict_find(&identity->names, b);
    if (kind == IDENTITY_KNOWN && from >= 0 && identity->owners[from] >= 0) return IDENTITY_SHARED;
    int32_t size_a = from < 0 ? 1 : identity->sizes[find_root(identity, from)];
    int32_t size_b = to < 0 ? 1 : identity->sizes[find_root(identity, to)];
    return size_a + size_b > IDENTITY_MEMBERS_MAX ? IDENTITY_SHARED : kind;
}

kai_status identity_link(struct identity *identity, struct slice a, struct slice b,
                         enum identity_kind kind, int64_t time_us, struct identity_edge *ret_edge,
                         int *ret_is_new, kai_err *err) {
    if (!secret_is_pseudonym(a) || !secret_is_pseudonym(b))
        return err_set(err, KAI_INVALID, "an identity edge joins two pseudonyms");
    *ret_is_new = !is_known(identity, a, b, kind);
    if (!*ret_is_new) return KAI_OK;
    struct identity_edge edge = {.kind = settle_kind(identity, a, b, kind), .time_us = time_us};
    edge.id = identity->count ? identity->edges[identity->count - 1].id + 1 : 1;
    memcpy(edge.a, a.data, a.size);
    memcpy(edge.b, b.data, b.size);
    kai_status st = keep_edge(identity, &edge, err);
    if (!st) *ret_edge = edge;
    return st;
}

kai_status identity_undo(struct identity *identity, int64_t edge_id, int64_t time_us,
                         struct identity_edge *ret_edge, kai_err *err) {
    for (int64_t i = 0; i < identity->count; i++) {
        struct identity_edge *edge = &identity->edges[i];
        if (edge->id != edge_id) continue;
        if (edge->undone_us)
            return err_set(err, KAI_STATE, "identity edge %lld is undone already",
                           (long long)edge_id);
        edge->undone_us = time_us;
        rebuild(identity);
        *ret_edge = *edge;
        return KAI_OK;
    }
    return err_set(err, KAI_NOT_FOUND, "identity edge %lld is not there", (long long)edge_id);
}

struct slice identity_root(struct identity *identity, struct slice pseudonym) {
    int32_t node = dict_find(&identity->names, pseudonym);
    if (node < 0) return pseudonym;
    return identity->names.entries[identity->firsts[find_root(identity, node)]];
}

kai_status identity_members(struct identity *identity, struct slice pseudonym,
                            const struct slice **ret_members, int64_t *ret_count, kai_err *err) {
    int32_t node = dict_find(&identity->names, pseudonym);
    int64_t count = 1;
    identity->members[0] = pseudonym;
    if (node >= 0) {
        int32_t first = identity->firsts[find_root(identity, node)];
        identity->members[0] = identity->names.entries[first];
        for (int32_t at = identity->rings[first]; at != first; at = identity->rings[at]) {
            if (count == IDENTITY_MEMBERS_MAX)
                return err_set(err, KAI_LIMIT, "a person has more than %d identifiers",
                               IDENTITY_MEMBERS_MAX);
            identity->members[count++] = identity->names.entries[at];
        }
    }
    *ret_members = identity->members;
    *ret_count = count;
    return KAI_OK;
}

int64_t identity_edge_count(const struct identity *identity) { return identity->count; }

const struct identity_edge *identity_edge_at(const struct identity *identity, int64_t index) {
    return &identity->edges[index];
}

kai_status identity_print(const struct identity_edge *edge, struct buf *out, kai_err *err) {
    struct json_writer json;
    char time[INSTANT_TEXT_BYTES], undone[INSTANT_TEXT_BYTES];
    instant_print(edge->time_us, time);
    instant_print(edge->undone_us, undone);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_i64(&json, "id", edge->id);
    json_key_text(&json, "a", edge->a);
    json_key_text(&json, "b", edge->b);
    json_key_text(&json, "kind", identity_kind_text(edge->kind));
    json_key_text(&json, "time", time);
    json_key_text(&json, "undone", edge->undone_us ? undone : NULL);
    json_end(&json);
    return json_finish(&json, err);
}

static int copy_pseudonym(const struct json_value *object, const char *key,
                          char out[SECRET_PSEUDONYM_BYTES]) {
    const char *text = json_as_text(json_get(object, key), "");
    if (!secret_is_pseudonym(slice_of(text))) return 0;
    memcpy(out, text, SECRET_PSEUDONYM_BYTES);
    return 1;
}

static int parse_kind(const char *text, enum identity_kind *ret_kind) {
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(text, KINDS[i]) != 0) continue;
        *ret_kind = (enum identity_kind)i;
        return 1;
    }
    return 0;
}

kai_status identity_parse(struct slice text, struct identity_edge *ret_edge, kai_err *err) {
    struct json_value *object = NULL;
    struct identity_edge edge = {0};
    kai_status st = json_parse(text.data, text.size, &object, NULL);
    if (st == KAI_NO_MEMORY) return err_memory(err, (int64_t)text.size);
    const struct json_value *undone = json_get(object, "undone");
    double id = json_as_f64(json_get(object, "id"), 0);
    int is_good =
        !st && id >= 1 && id < 9e15 && copy_pseudonym(object, "a", edge.a) &&
        copy_pseudonym(object, "b", edge.b) &&
        parse_kind(json_as_text(json_get(object, "kind"), ""), &edge.kind) &&
        instant_parse(slice_of(json_as_text(json_get(object, "time"), "")), &edge.time_us) &&
        (json_is_null(undone) ||
         instant_parse(slice_of(json_as_text(undone, "")), &edge.undone_us));
    json_free(object);
    if (!is_good) return err_set(err, KAI_CORRUPT, "an identity edge is damaged");
    edge.id = (int64_t)id;
    *ret_edge = edge;
    return KAI_OK;
}
