// Answers requests to a SavedModel in the runtime of TensorFlow Serving, with no Python in sight.
//
// usage: loader MODEL_DIR [THREADS]      (0, the default: as many as there are cores)
//
// Messages on stdin and stdout, little-endian. A number has 4 bytes; a text is a number and as many
// bytes; a table is a number of rows and two texts a row, a name and a serialized message.
//
//   at the start    number: microseconds that loading took; then a reply: the SignatureDefs
//   request         text: signature; number: repetitions; table: input TensorProtos
//   reply           text: error, empty if there is none; table: results
//
// Without repetitions the results are the outputs' TensorProtos. With them they are one, the
// "nanoseconds" that each Session::Run took.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/public/session.h"

namespace {

using Clock = std::chrono::steady_clock;
using Table = std::map<std::string, std::string>;

template <typename Unit>
int64_t Since(Clock::time_point start) {
  return std::chrono::duration_cast<Unit>(Clock::now() - start).count();
}

// Reading fails only where stdin ends, which is how the program is told to.

bool ReadNumber(uint32_t* number) {
  return std::fread(number, sizeof *number, 1, stdin) == 1;
}

bool ReadText(std::string* text) {
  uint32_t size;
  if (!ReadNumber(&size)) return false;
  text->resize(size);
  return std::fread(text->data(), 1, size, stdin) == size;
}

bool ReadTable(Table* table) {
  uint32_t rows;
  if (!ReadNumber(&rows)) return false;
  for (std::string name; rows > 0; --rows) {
    if (!ReadText(&name) || !ReadText(&(*table)[name])) return false;
  }
  return true;
}

void WriteNumber(uint32_t number) {
  std::fwrite(&number, sizeof number, 1, stdout);
}

void WriteText(const std::string& text) {
  WriteNumber(text.size());
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void WriteReply(const absl::Status& status, const Table& results) {
  WriteText(status.ok() ? "" : status.ToString());
  WriteNumber(status.ok() ? results.size() : 0);
  if (status.ok()) {
    for (const auto& [name, message] : results) {
      WriteText(name);
      WriteText(message);
    }
  }
  std::fflush(stdout);
}

std::string Serialized(const tensorflow::Tensor& tensor) {
  tensorflow::TensorProto proto;
  tensor.AsProtoField(&proto);
  return proto.SerializeAsString();
}

// Checks what the server checks, the names, and leaves types and shapes to the graph as it does.
absl::Status Feed(const tensorflow::SignatureDef& signature, const Table& inputs,
                  std::vector<std::pair<std::string, tensorflow::Tensor>>* feeds) {
  for (const auto& [name, info] : signature.inputs()) {
    if (inputs.count(name) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("Missing input: ", name));
    }
  }
  for (const auto& [name, message] : inputs) {
    const auto found = signature.inputs().find(name);
    if (found == signature.inputs().end()) {
      return absl::InvalidArgumentError(absl::StrCat("Unknown input: ", name));
    }
    tensorflow::TensorProto proto;
    tensorflow::Tensor tensor;
    if (!proto.ParseFromString(message) || !tensor.FromProto(proto)) {
      return absl::InvalidArgumentError(absl::StrCat("Not a tensor: ", name));
    }
    feeds->emplace_back(found->second.name(), tensor);
  }
  return absl::OkStatus();
}

absl::Status Answer(const tensorflow::SavedModelBundle& bundle, const std::string& name,
                    uint32_t repetitions, const Table& inputs, Table* results) {
  const auto found = bundle.GetSignatures().find(name);
  if (found == bundle.GetSignatures().end()) {
    return absl::NotFoundError(absl::StrCat("Unknown signature: ", name));
  }
  std::vector<std::pair<std::string, tensorflow::Tensor>> feeds;
  if (absl::Status status = Feed(found->second, inputs, &feeds); !status.ok()) return status;

  std::vector<std::string> names, fetches;
  for (const auto& [output, info] : found->second.outputs()) {
    names.push_back(output);
    fetches.push_back(info.name());
  }
  std::vector<tensorflow::Tensor> outputs;
  if (repetitions == 0) {
    absl::Status status = bundle.GetSession()->Run(feeds, fetches, {}, &outputs);
    for (size_t i = 0; status.ok() && i < names.size(); ++i) {
      (*results)[names[i]] = Serialized(outputs[i]);
    }
    return status;
  }
  tensorflow::Tensor nanoseconds(tensorflow::DT_INT64, {repetitions});
  for (uint32_t i = 0; i < repetitions; ++i) {
    const Clock::time_point start = Clock::now();
    absl::Status status = bundle.GetSession()->Run(feeds, fetches, {}, &outputs);
    nanoseconds.vec<int64_t>()(i) = Since<std::chrono::nanoseconds>(start);
    if (!status.ok()) return status;
  }
  (*results)["nanoseconds"] = Serialized(nanoseconds);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: loader MODEL_DIR [THREADS]\n", stderr);
    return 2;
  }
  const int threads = argc > 2 ? std::atoi(argv[2]) : 0;
  tensorflow::SessionOptions options;
  options.config.set_intra_op_parallelism_threads(threads);
  options.config.set_inter_op_parallelism_threads(threads);

  tensorflow::SavedModelBundle bundle;
  const Clock::time_point start = Clock::now();
  const absl::Status loaded = tensorflow::LoadSavedModel(
      options, tensorflow::RunOptions(), argv[1], {"serve"}, &bundle);
  WriteNumber(Since<std::chrono::microseconds>(start));
  Table signatures;
  for (const auto& [name, signature] : bundle.GetSignatures()) {
    signatures[name] = signature.SerializeAsString();
  }
  WriteReply(loaded, signatures);
  if (!loaded.ok()) return 1;

  std::string name;
  uint32_t repetitions;
  for (Table inputs; ReadText(&name) && ReadNumber(&repetitions) && ReadTable(&inputs);
       inputs.clear()) {
    Table results;
    const absl::Status status = Answer(bundle, name, repetitions, inputs, &results);
    WriteReply(status, results);
  }
}
