import ij.ImagePlus;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.measure.Measurements;
import ij.process.ByteProcessor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Times "make a polygon, select it, measure it" inside one warm ImageJ process.
 *
 * <p>Usage: java -cp ij.jar ImageJBench.java WIDTH HEIGHT REPEATS WARM_UP, with the vertices
 * (x and y in turn, separated by white space) on standard input. Prints the median in
 * nanoseconds.
 */
public final class ImageJBench {

  private static final int MEASUREMENTS =
      Measurements.MEAN
          | Measurements.STD_DEV
          | Measurements.MIN_MAX
          | Measurements.MODE
          | Measurements.MEDIAN
          | Measurements.SKEWNESS
          | Measurements.KURTOSIS;

  private ImageJBench() {}

  public static void main(String[] arguments) throws Exception {
    int width = Integer.parseInt(arguments[0]);
    int height = Integer.parseInt(arguments[1]);
    long[] elapsed = new long[Integer.parseInt(arguments[2])];
    int warmUp = Integer.parseInt(arguments[3]);
    String input = new String(System.in.readAllBytes(), StandardCharsets.US_ASCII);
    String[] numbers = input.trim().split("\\s+");
    float[] x = new float[numbers.length / 2];
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.parseFloat(numbers[2 * i]);
      y[i] = Float.parseFloat(numbers[2 * i + 1]);
    }
    ImagePlus image = makeImage(width, height);
    double sum = 0;
    for (int i = 0; i < warmUp; i++) {
      sum += measure(image, x, y);
    }
    for (int i = 0; i < elapsed.length; i++) {
      long start = System.nanoTime();
      sum += measure(image, x, y);
      elapsed[i] = System.nanoTime() - start;
    }
    if (Double.isNaN(sum)) { // using the sum keeps the compiler from dropping the work
      throw new IllegalStateException("the polygon holds no pixel of the image");
    }
    Arrays.sort(elapsed);
    int half = elapsed.length / 2;
    long below = elapsed[(elapsed.length - 1) / 2];
    System.out.println((below + elapsed[half]) / 2.0);
    System.exit(0); // ImageJ may leave AWT threads running
  }

  private static double measure(ImagePlus image, float[] x, float[] y) {
    image.setRoi(new PolygonRoi(x, y, x.length, Roi.POLYGON));
    return image.getStatistics(MEASUREMENTS).mean;
  }

  private static ImagePlus makeImage(int width, int height) {
    ByteProcessor pixels = new ByteProcessor(width, height);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        pixels.set(x, y, (7 * x + 13 * y + (x * y) % 17) % 256);
      }
    }
    return new ImagePlus("benchmark", pixels);
  }
}
