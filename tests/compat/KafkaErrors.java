// SPDX-License-Identifier: Apache-2.0
// Prints each error that the Java client knows: code, name, whether it retries after it.
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

public class KafkaErrors {
  public static void main(String[] args) {
    for (Errors error : Errors.values())
      System.out.println(error.code() + " " + error.name() + " " + (error.exception() instanceof RetriableException));
  }
}
